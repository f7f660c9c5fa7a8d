/* A complete provider in C: UDP sockets of its own, sends that pend and are completed by the thread
   that also receives. A table says which peer is where. */
#pragma once

#include "lockgate/capi/cpnatfwt.h" /* for HRESULT, BYTE */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct udp_provider udp_provider;

/* Creates the provider and registers its instance. */
HRESULT udp_provider_open(udp_provider** out);
/* Deregisters; when this has returned, nothing of it runs any more. */
HRESULT udp_provider_close(udp_provider* provider);

/* The port on 127.0.0.1 where messages to this id arrive: host byte order, 0 for an unknown id. */
USHORT udp_provider_port(udp_provider* provider, const BYTE id[16]);
/* From now on this peer is reachable, at a port of 127.0.0.1. E_OUTOFMEMORY: the table is full. */
HRESULT udp_provider_add_peer(udp_provider* provider, const BYTE id[16], USHORT port);

#ifdef __cplusplus
}
#endif
