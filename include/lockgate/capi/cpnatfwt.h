/* The Connectivity Platform's provider interface as the original has it: for C11 and C++20.

   A provider fills a dispatch table, creates an instance, registers it, and is called back. Link
   lockgate::capi, or compile one C++ source file that says

     #define LOCKGATE_CAPI_IMPLEMENTATION
     #include "lockgate/capi/implementation.hpp"

   Threads. The platform runs in a thread of its own and calls every callback, and every provider
   completion routine, there: one at a time, holding no lock. A callback that waits for something
   holds up every instance, so it returns CPNATFWT_PENDING instead and completes later. The
   functions below, and platform completion routines, may be called from any thread, also from
   inside a callback and before it has returned. On threads other than the platform's, Register,
   Deregister, and Indicate without a completion routine wait for the platform's thread: a callback
   must not wait for a thread that is in one of them.

   Ownership. Whoever hands a chain, payload or transport id over still owns it; the other side only
   reads it, without relinking or writing, until the call has returned something other than
   CPNATFWT_PENDING, or the completion routine has been called. The members are not const because
   the original's are not; treat what you are handed as const. Keeping a transport id longer takes
   a copy of its bytes.

   Numbers like dd441748 are pages of the original's documents: docs/reference/guarantees.md. */
#pragma once

#include "lockgate/capi/windows_types.h" /* for HRESULT, ULONG, WCHAR, IF_LUID */

#ifdef __cplusplus
extern "C" {
#endif

/* Wide characters of an interface name, the terminator included; a longer one is cut. */
#define CPNATFWT_MAX_INTERFACE_NAME_LENGTH 256

/* "Not yet": what a callback returns that will call its completion routine. FAILED() is true for
   it, so compare with it first. */
#define CPNATFWT_PENDING HRESULT_FROM_WIN32(ERROR_IO_PENDING)

/* The call is not allowed in the instance's state; Indicate: the instance is not active. */
#define CPNATFWT_E_STATE HRESULT_FROM_WIN32(ERROR_INVALID_STATE)
/* The session ended first. */
#define CPNATFWT_E_ABORTED HRESULT_FROM_WIN32(ERROR_OPERATION_ABORTED)
/* The peer cannot be reached; from a send it makes the platform ask reachTransportId again. */
#define CPNATFWT_E_UNREACHABLE HRESULT_FROM_WIN32(ERROR_HOST_UNREACHABLE)
/* addTransportId: the id is in use elsewhere; the platform proposes another one. */
#define CPNATFWT_E_DUPLICATE HRESULT_FROM_WIN32(ERROR_OBJECT_ALREADY_EXISTS)

/* A provider instance. Never reused: a handle that was destroyed gives E_HANDLE for good. */
typedef PVOID CPNATFWT_PROVIDER_INSTANCE;

/* A transport id (dd441748): opaque bytes that only the platform makes; 16 of them here. */
typedef struct _CPNATFWT_TRANSPORT_ID {
  USHORT size;
  BYTE* transportId;
} CPNATFWT_TRANSPORT_ID;

/* A part of a message (dd441737). One chain is one message: its parts in `next` order. */
typedef struct _CPNATFWT_BUFFER {
  struct _CPNATFWT_BUFFER* next; /* NULL: the last part */
  ULONG size;                    /* bytes at `buffer`; 0 is allowed */
  BYTE* buffer;
} CPNATFWT_BUFFER;

/* Why a session ended (dd441747). */
typedef enum _CPNATFWT_SESSION_TERMINATION_REASON {
  CPNATFWT_SESSION_TERMINATION_PROVIDER_REQUEST,
  CPNATFWT_SESSION_TERMINATION_PLATFORM_SHUTDOWN,
  CPNATFWT_SESSION_TERMINATION_PROVIDER_TIMEOUT,
  CPNATFWT_SESSION_TERMINATION_PROVIDER_OTHER_FAILURE,
  CPNATFWT_SESSION_TERMINATION_OTHER_COMMUNICATION_ERROR
} CPNATFWT_SESSION_TERMINATION_REASON;

/* The platform's: the provider calls it once for a callback that returned CPNATFWT_PENDING, on any
   thread, even before that callback has returned. Calls beyond that have no effect. */
typedef VOID(CALLBACK* CPNATFWT_PLATFORM_COMPLETION_ROUTINE)(PVOID completionContext,
                                                             HRESULT result);

/* The provider's: the platform calls it once for an Indicate that returned CPNATFWT_PENDING, when
   it needs the message no longer: S_OK, or why it was not delivered (CPNATFWT_E_ABORTED: the
   session ended while the platform had it). */
typedef VOID(CALLBACK* CPNATFWT_PROVIDER_COMPLETION_ROUTINE)(PVOID completionContext,
                                                             HRESULT result);

/* The callbacks. Each gets the instance and the context that was given to Create. Those with a
   result return S_OK, a failure, or CPNATFWT_PENDING. */

/* A session begins (dd441739); no other callback starts before this one has returned. */
typedef VOID(CALLBACK* CPNATFWT_PROVIDER_ESTABLISH_SESSION_INDICATION)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext);

/* The session has ended (dd441744); the last callback. */
typedef VOID(CALLBACK* CPNATFWT_PROVIDER_TERMINATE_SESSION_INDICATION)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    CPNATFWT_SESSION_TERMINATION_REASON terminationReason);

/* There is demand: get ready to carry traffic (dd441745). May fail, and is then tried again. */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_TRANSITION_ACTIVE)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    PVOID completionContext, CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* Nobody needs the instance for now (dd441746); the result changes nothing. */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_TRANSITION_DORMANT)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    PVOID completionContext, CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* A local id is associated with the instance (dd441738). */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_ADD_TRANSPORT_ID)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    CPNATFWT_TRANSPORT_ID* transportId, PVOID completionContext,
    CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* The reverse (dd441742). */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_REMOVE_TRANSPORT_ID)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    CPNATFWT_TRANSPORT_ID* transportId, PVOID completionContext,
    CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* Can this peer be reached, unambiguously, through the instance (dd441741)? */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_REACH_TRANSPORT_ID)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    CPNATFWT_TRANSPORT_ID* transportId, PVOID completionContext,
    CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* Send one message from the local id to the remote one (dd441743). `endpointLuid` stands for the
   sending endpoint: non-zero, never reused. */
typedef HRESULT(CALLBACK* CPNATFWT_PROVIDER_SEND_BUFFERS)(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, PVOID providerInstanceUserContext,
    CPNATFWT_TRANSPORT_ID* localTransportId, CPNATFWT_TRANSPORT_ID* remoteTransportId,
    UINT64 endpointLuid, CPNATFWT_BUFFER* bufferChain, PVOID completionContext,
    CPNATFWT_PLATFORM_COMPLETION_ROUTINE completionRoutine);

/* What a provider implements (dd441740): all of it. */
typedef struct _CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE {
  ULONG version; /* 0 */
  ULONG size;    /* 0, or the size of this structure */
  CPNATFWT_PROVIDER_ESTABLISH_SESSION_INDICATION establishSessionIndication;
  CPNATFWT_PROVIDER_TERMINATE_SESSION_INDICATION terminateSessionIndication;
  CPNATFWT_PROVIDER_TRANSITION_ACTIVE transitionActive;
  CPNATFWT_PROVIDER_TRANSITION_DORMANT transitionDormant;
  CPNATFWT_PROVIDER_ADD_TRANSPORT_ID addTransportId;
  CPNATFWT_PROVIDER_REMOVE_TRANSPORT_ID removeTransportId;
  CPNATFWT_PROVIDER_REACH_TRANSPORT_ID reachTransportId;
  CPNATFWT_PROVIDER_SEND_BUFFERS sendBuffers;
} CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE;

/* Makes an instance (dd441732). The table is copied; its address stands for the provider when an
   interface is to be used again (see Register).
   Errors: E_INVALIDARG (no table, a callback missing, an unknown version, no place for the result),
   E_OUTOFMEMORY. */
HRESULT WINAPI CPNatfwtCreateProviderInstance(
    const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE* dispatchTable,
    PVOID providerInstanceUserContext, CPNATFWT_PROVIDER_INSTANCE* providerInstance);

/* Registers the instance (dd441736); on S_OK its session begins. The establish callback may run
   before this has returned. After a failure the instance can be registered again or destroyed.
   interfaceFriendlyName: NULL for "Microsoft Connectivity Platform Adapter #N"; a name in use gets
   a number. interfaceLuid: NULL; or 0 for a new interface, or one that a provider with the same
   table had earlier; then the one in use. flags: 0. sddl: NULL, or text for the host program's
   access policy. The texts are read during the call only.
   Errors: E_INVALIDARG, CPNATFWT_E_STATE (registered before), E_HANDLE, E_OUTOFMEMORY,
   HRESULT_FROM_WIN32(ERROR_NOT_FOUND) and (ERROR_BUSY) for a LUID that is not this provider's or is
   in use, (ERROR_RETRY) inside a callback when the policy does not decide at once. */
HRESULT WINAPI CPNatfwtRegisterProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance,
                                                WCHAR* interfaceFriendlyName,
                                                IF_LUID* interfaceLuid, ULONG flags, WCHAR* sddl);

/* Ends the session, or settles what the provider owes after the platform has ended it (dd441733).
   Returns when no callback runs or will run and every buffer is back with its owner; for this it
   also waits for messages the application still holds. On the platform's thread (inside callbacks
   and completion routines) it does not wait: it is accepted and carried out later.
   Errors: CPNATFWT_E_STATE (not registered, or deregistered before), E_HANDLE, E_OUTOFMEMORY. */
HRESULT WINAPI CPNatfwtDeregisterProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance);

/* Releases an instance that was never registered or is deregistered (dd441734). Once only: a second
   call has no effect. In any other state checked builds stop the program; others deregister first,
   or, on the platform's thread, where that would wait, do nothing. */
VOID WINAPI CPNatfwtDestroyProviderInstance(CPNATFWT_PROVIDER_INSTANCE providerInstance);

/* Hands up a message from a peer (dd441735). localTransportId: this side, the destination;
   remoteTransportId: the peer, the source. With a completion routine the message may stay borrowed:
   then CPNATFWT_PENDING is returned, and the routine called once. Without one the message is copied
   and the call waits for the outcome. Any other result: the routine is not called.
   Errors: CPNATFWT_E_STATE (not active), E_INVALIDARG (an empty message, a chain without an
   end, a malformed id), E_HANDLE,
   E_OUTOFMEMORY, HRESULT_FROM_WIN32(ERROR_NOT_FOUND) (no such local id),
   (ERROR_NO_SYSTEM_RESOURCES) (the application does not read). */
HRESULT WINAPI CPNatfwtIndicateReceivedBuffers(
    CPNATFWT_PROVIDER_INSTANCE providerInstance, CPNATFWT_TRANSPORT_ID* localTransportId,
    CPNATFWT_TRANSPORT_ID* remoteTransportId, CPNATFWT_BUFFER* bufferChain, PVOID completionContext,
    CPNATFWT_PROVIDER_COMPLETION_ROUTINE completionRoutine);

#ifdef __cplusplus
}
#endif
