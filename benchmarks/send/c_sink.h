/* A provider in C that takes everything, counts it, and does nothing. */
#pragma once

#include "lockgate/capi/cpnatfwt.h" /* for the dispatch table */

#ifdef __cplusplus
extern "C" {
#endif

/* Its user context. */
typedef struct c_sink {
  UINT64 messages;
  UINT64 bytes;
} c_sink;

extern const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE c_sink_table;

#ifdef __cplusplus
}
#endif
