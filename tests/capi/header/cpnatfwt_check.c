/* cpnatfwt.h before anything else, as C and as C++: widths, layouts and values. */
#include "lockgate/capi/cpnatfwt.h"

#include <stddef.h> /* for offsetof */

#ifdef __cplusplus
#define HOLDS(condition) static_assert(condition, #condition)
#else
#define HOLDS(condition) _Static_assert(condition, #condition)
#endif

HOLDS(sizeof(BYTE) == 1 && sizeof(USHORT) == 2 && sizeof(ULONG) == 4 && sizeof(UINT64) == 8);
HOLDS(sizeof(WCHAR) == 2 && sizeof(HRESULT) == 4 && sizeof(IF_LUID) == 8);
HOLDS((HRESULT)-1 < 0 && (ULONG)-1 > 0);
HOLDS(sizeof(CPNATFWT_BUFFER) == (sizeof(void*) == 8 ? 24 : 12));
HOLDS(sizeof(CPNATFWT_TRANSPORT_ID) == (sizeof(void*) == 8 ? 16 : 8));

/* Values of winerror.h. */
HOLDS(CPNATFWT_PENDING == (HRESULT)0x800703E5 && FAILED(CPNATFWT_PENDING));
HOLDS(CPNATFWT_E_STATE == (HRESULT)0x8007139F && CPNATFWT_E_ABORTED == (HRESULT)0x800703E3);
HOLDS(CPNATFWT_E_UNREACHABLE == (HRESULT)0x800704D0);
HOLDS(CPNATFWT_E_DUPLICATE == (HRESULT)0x80071392);
HOLDS(HRESULT_FROM_WIN32(ERROR_TIMEOUT) == (HRESULT)0x800705B4);
HOLDS(HRESULT_FROM_WIN32(0) == S_OK && SUCCEEDED(S_OK));

HOLDS(CPNATFWT_SESSION_TERMINATION_PROVIDER_REQUEST == 0);
HOLDS(CPNATFWT_SESSION_TERMINATION_PLATFORM_SHUTDOWN == 1);
HOLDS(CPNATFWT_SESSION_TERMINATION_PROVIDER_TIMEOUT == 2);
HOLDS(CPNATFWT_SESSION_TERMINATION_PROVIDER_OTHER_FAILURE == 3);
HOLDS(CPNATFWT_SESSION_TERMINATION_OTHER_COMMUNICATION_ERROR == 4);

/* The table: a header of two words, then the callbacks in their order. */
#define TABLE CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE
#define SLOT(number) (2 * sizeof(ULONG) + (number) * sizeof(CPNATFWT_PROVIDER_TRANSITION_ACTIVE))
HOLDS(offsetof(TABLE, establishSessionIndication) == SLOT(0));
HOLDS(offsetof(TABLE, terminateSessionIndication) == SLOT(1));
HOLDS(offsetof(TABLE, transitionActive) == SLOT(2));
HOLDS(offsetof(TABLE, transitionDormant) == SLOT(3));
HOLDS(offsetof(TABLE, addTransportId) == SLOT(4));
HOLDS(offsetof(TABLE, removeTransportId) == SLOT(5));
HOLDS(offsetof(TABLE, reachTransportId) == SLOT(6));
HOLDS(offsetof(TABLE, sendBuffers) == SLOT(7));
HOLDS(sizeof(TABLE) == SLOT(8));

#ifdef _WIN32
#define TEXT_OF(literal) L##literal
#else
#define TEXT_OF(literal) u##literal
#endif
extern WCHAR name[];
WCHAR name[] = TEXT_OF("a UTF-16 literal is a WCHAR string");
