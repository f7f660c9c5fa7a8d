/* The Windows types, error codes and calling conventions that cpnatfwt.h needs: the system's own on
   Windows, and elsewhere exactly these, with Windows' widths. */
#pragma once

#ifdef _WIN32

#include <winsock2.h> /* before windows.h, which would include the old winsock.h */

#include <windows.h> /* for HRESULT, WCHAR, CALLBACK */

#include <ifdef.h> /* for IF_LUID */

#else

#include <stdint.h> /* for uint8_t, uint16_t, uint32_t, uint64_t, int32_t */

#define VOID void
#define WINAPI
#define CALLBACK

typedef void* PVOID;
typedef uint8_t BYTE;
typedef uint16_t USHORT;
typedef uint32_t ULONG;
typedef uint64_t UINT64;
typedef int32_t HRESULT;

/* One UTF-16 code unit; u"text" is a string of these in C and in C++. */
#ifdef __cplusplus
typedef char16_t WCHAR;
#else
typedef uint_least16_t WCHAR;
#endif

/* The locally unique identifier of a network interface. */
typedef union _NET_LUID {
  UINT64 Value;
} NET_LUID, IF_LUID;

#define SUCCEEDED(hr) (((HRESULT)(hr)) >= 0)
#define FAILED(hr) (((HRESULT)(hr)) < 0)
#define HRESULT_FROM_WIN32(code) \
  ((HRESULT)((code) == 0 ? 0u : (((uint32_t)(code) & 0xffffu) | 0x80070000u)))

#define S_OK ((HRESULT)0)
#define E_FAIL ((HRESULT)0x80004005)
#define E_ACCESSDENIED ((HRESULT)0x80070005)
#define E_HANDLE ((HRESULT)0x80070006)
#define E_OUTOFMEMORY ((HRESULT)0x8007000E)
#define E_INVALIDARG ((HRESULT)0x80070057)

/* System error codes (winerror.h). */
#define ERROR_INVALID_DATA 13
#define ERROR_NOT_READY 21
#define ERROR_NOT_SUPPORTED 50
#define ERROR_BUSY 170
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_PENDING 997
#define ERROR_SERVICE_NOT_ACTIVE 1062
#define ERROR_SHUTDOWN_IN_PROGRESS 1115
#define ERROR_POSSIBLE_DEADLOCK 1131
#define ERROR_NOT_FOUND 1168
#define ERROR_HOST_UNREACHABLE 1232
#define ERROR_RETRY 1237
#define ERROR_NO_SYSTEM_RESOURCES 1450
#define ERROR_TIMEOUT 1460
#define ERROR_OBJECT_ALREADY_EXISTS 5010
#define ERROR_INVALID_STATE 5023
#define WSAEMSGSIZE 10040

#endif
