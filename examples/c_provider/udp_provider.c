#define _POSIX_C_SOURCE 200809L /* sockets, threads */

#include "udp_provider.h"

#include <arpa/inet.h>  /* for htons, htonl */
#include <netinet/in.h> /* for sockaddr_in */
#include <poll.h>       /* for poll */
#include <pthread.h>    /* for pthread_create */
#include <stdlib.h>     /* for calloc, malloc, free */
#include <string.h>     /* for memcpy, memcmp */
#include <sys/socket.h> /* for sendmsg, recvfrom */
#include <sys/uio.h>    /* for iovec */
#include <unistd.h>     /* for pipe, read, write, close */

enum { MOST_IDS = 8, MOST_PEERS = 32, MOST_PARTS = 16, LONGEST_MESSAGE = 65507 };

/* A send that was pended. The chain is lent until its completion routine is called. */
typedef struct pended_send {
  struct pended_send* next;
  int socket;
  struct sockaddr_in to;
  const CPNATFWT_BUFFER* chain;
  PVOID context;
  CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine;
} pended_send;

/* A received message, lent to the platform until it calls message_taken. */
typedef struct message {
  CPNATFWT_BUFFER buffer;
  BYTE local[16], remote[16];
  BYTE payload[];
} message;

typedef struct local_id {
  BYTE id[16];
  int socket;  /* -1: a free entry */
  int leaving; /* for the thread to close: nobody else knows when it uses the socket */
} local_id;

typedef struct peer {
  BYTE id[16];
  struct sockaddr_in at;
} peer;

struct udp_provider {
  CPNATFWT_PROVIDER_INSTANCE instance;
  pthread_mutex_t lock; /* never held during a call of the platform */
  local_id locals[MOST_IDS];
  peer peers[MOST_PEERS];
  size_t peer_count;
  pended_send* first;
  pended_send** last;
  int quits;

  pthread_t thread;
  int has_thread;
  int wake[2]; /* a pipe: a byte in it ends the thread's sleep */
};

static struct sockaddr_in loopback(USHORT port) {
  struct sockaddr_in out;
  memset(&out, 0, sizeof out);
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

/* The callers of both hold the lock. */
static local_id* find_local(udp_provider* p, const BYTE id[16]) {
  for (size_t i = 0; i < MOST_IDS; ++i)
    if (p->locals[i].socket >= 0 && !p->locals[i].leaving && memcmp(p->locals[i].id, id, 16) == 0)
      return &p->locals[i];
  return NULL;
}
static peer* find_peer(udp_provider* p, const BYTE id[16]) {
  for (size_t i = 0; i < p->peer_count; ++i)
    if (memcmp(p->peers[i].id, id, 16) == 0) return &p->peers[i];
  return NULL;
}

static void wake_thread(udp_provider* p) {
  while (write(p->wake[1], "", 1) < 0) {
  }
}

/* The provider's thread: sends what was pended, receives, indicates. */

static HRESULT send_now(const pended_send* s) {
  struct iovec parts[MOST_PARTS];
  struct msghdr header;
  memset(&header, 0, sizeof header);
  header.msg_name = (void*)&s->to;
  header.msg_namelen = sizeof s->to;
  header.msg_iov = parts;
  for (const CPNATFWT_BUFFER* part = s->chain; part; part = part->next) {
    if (header.msg_iovlen == MOST_PARTS) return E_INVALIDARG;
    parts[header.msg_iovlen].iov_base = part->buffer;
    parts[header.msg_iovlen++].iov_len = part->size;
  }
  return sendmsg(s->socket, &header, 0) < 0 ? CPNATFWT_E_UNREACHABLE : S_OK;
}

/* Whether there is more to do. */
static int send_pended(udp_provider* p) {
  for (;;) {
    pthread_mutex_lock(&p->lock);
    pended_send* const next = p->first;
    const int quits = p->quits;
    if (next) p->first = next->next;
    if (!p->first) p->last = &p->first;
    pthread_mutex_unlock(&p->lock);
    if (!next) return !quits;
    next->routine(next->context, quits ? CPNATFWT_E_ABORTED : send_now(next));
    free(next);
  }
}

static VOID CALLBACK message_taken(PVOID context, HRESULT result) {
  (void)result; /* a datagram that was not delivered is lost, as datagrams are */
  free(context);
}

static void receive(udp_provider* p, const local_id* at) {
  message* const m = malloc(sizeof *m + LONGEST_MESSAGE);
  if (!m) return;
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  const ssize_t size = recvfrom(at->socket, m->payload, LONGEST_MESSAGE, MSG_DONTWAIT,
                                (struct sockaddr*)&from, &length);
  int known = 0;
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->peer_count && !known; ++i) {
    known = p->peers[i].at.sin_port == from.sin_port &&
            p->peers[i].at.sin_addr.s_addr == from.sin_addr.s_addr;
    if (known) memcpy(m->remote, p->peers[i].id, 16);
  }
  pthread_mutex_unlock(&p->lock);
  if (size > 0 && known) {
    memcpy(m->local, at->id, 16);
    m->buffer = (CPNATFWT_BUFFER){NULL, (ULONG)size, m->payload};
    CPNATFWT_TRANSPORT_ID local = {16, m->local}, remote = {16, m->remote};
    if (CPNatfwtIndicateReceivedBuffers(p->instance, &local, &remote, &m->buffer, m,
                                        message_taken) == CPNATFWT_PENDING)
      return;
  }
  free(m);
}

static void* run(void* argument) {
  udp_provider* const p = argument;
  while (send_pended(p)) {
    struct pollfd waits[1 + MOST_IDS] = {{p->wake[0], POLLIN, 0}};
    local_id locals[MOST_IDS];
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MOST_IDS; ++i) {
      if (!p->locals[i].leaving) continue;
      close(p->locals[i].socket);
      p->locals[i].socket = -1;
      p->locals[i].leaving = 0;
    }
    memcpy(locals, p->locals, sizeof locals);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < MOST_IDS; ++i)
      waits[1 + i] = (struct pollfd){locals[i].socket, POLLIN, 0}; /* poll ignores -1 */
    if (poll(waits, 1 + MOST_IDS, -1) < 0) continue;
    char bytes[64];
    if (waits[0].revents && read(p->wake[0], bytes, sizeof bytes) < 0) continue;
    for (size_t i = 0; i < MOST_IDS; ++i)
      if (waits[1 + i].revents & POLLIN) receive(p, &locals[i]);
  }
  return NULL;
}

/* The callbacks. */

static VOID CALLBACK establish(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context) {
  udp_provider* const p = context;
  (void)instance;
  p->has_thread = pthread_create(&p->thread, NULL, run, p) == 0; /* a failure shows at activation */
}

static VOID CALLBACK terminate(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                               CPNATFWT_SESSION_TERMINATION_REASON reason) {
  udp_provider* const p = context;
  (void)instance;
  (void)reason;
  pthread_mutex_lock(&p->lock);
  p->quits = 1;
  pthread_mutex_unlock(&p->lock);
  wake_thread(p);
  if (p->has_thread) pthread_join(p->thread, NULL);
}

static HRESULT CALLBACK transition_active(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                          PVOID completion,
                                          CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  (void)instance;
  (void)completion;
  (void)routine;
  return ((udp_provider*)context)->has_thread ? S_OK : E_OUTOFMEMORY;
}

static HRESULT CALLBACK transition_dormant(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                           PVOID completion,
                                           CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  (void)instance;
  (void)context;
  (void)completion;
  (void)routine;
  return S_OK;
}

/* Each local id has a socket of its own. */
static HRESULT CALLBACK add_transport_id(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                         CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                                         CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  udp_provider* const p = context;
  const struct sockaddr_in any_port = loopback(0);
  (void)instance;
  (void)completion;
  (void)routine;
  const int made = socket(AF_INET, SOCK_DGRAM, 0);
  if (made < 0) return E_FAIL;
  HRESULT result = E_FAIL;
  if (bind(made, (const struct sockaddr*)&any_port, sizeof any_port) == 0) {
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < MOST_IDS && result != S_OK; ++i) {
      if (p->locals[i].socket >= 0) continue;
      memcpy(p->locals[i].id, id->transportId, 16);
      p->locals[i].socket = made;
      result = S_OK;
    }
    pthread_mutex_unlock(&p->lock);
  }
  if (result == S_OK) wake_thread(p);
  else close(made);
  return result;
}

static HRESULT CALLBACK remove_transport_id(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                            CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                                            CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  udp_provider* const p = context;
  (void)instance;
  (void)completion;
  (void)routine;
  pthread_mutex_lock(&p->lock);
  local_id* const found = find_local(p, id->transportId);
  if (found) found->leaving = 1;
  pthread_mutex_unlock(&p->lock);
  wake_thread(p);
  return S_OK;
}

static HRESULT CALLBACK reach_transport_id(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                           CPNATFWT_TRANSPORT_ID* id, PVOID completion,
                                           CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  udp_provider* const p = context;
  (void)instance;
  (void)completion;
  (void)routine;
  pthread_mutex_lock(&p->lock);
  const int known = find_peer(p, id->transportId) != NULL;
  pthread_mutex_unlock(&p->lock);
  return known ? S_OK : CPNATFWT_E_UNREACHABLE;
}

static HRESULT CALLBACK send_buffers(CPNATFWT_PROVIDER_INSTANCE instance, PVOID context,
                                     CPNATFWT_TRANSPORT_ID* local, CPNATFWT_TRANSPORT_ID* remote,
                                     UINT64 endpoint, CPNATFWT_BUFFER* chain, PVOID completion,
                                     CPNATFWT_PLATFORM_COMPLETION_ROUTINE routine) {
  udp_provider* const p = context;
  (void)instance;
  (void)endpoint;
  pended_send* const added = calloc(1, sizeof *added);
  if (!added) return E_OUTOFMEMORY;
  pthread_mutex_lock(&p->lock);
  const local_id* const from = find_local(p, local->transportId);
  const peer* const to = find_peer(p, remote->transportId);
  const int possible = from && to;
  if (possible) {
    *added = (pended_send){NULL, from->socket, to->at, chain, completion, routine};
    *p->last = added;
    p->last = &added->next;
  }
  pthread_mutex_unlock(&p->lock);
  if (!possible) {
    free(added);
    return CPNATFWT_E_UNREACHABLE;
  }
  wake_thread(p);
  return CPNATFWT_PENDING;
}

static const CPNATFWT_PROVIDER_INSTANCE_DISPATCH_TABLE table = {
    .establishSessionIndication = establish,
    .terminateSessionIndication = terminate,
    .transitionActive = transition_active,
    .transitionDormant = transition_dormant,
    .addTransportId = add_transport_id,
    .removeTransportId = remove_transport_id,
    .reachTransportId = reach_transport_id,
    .sendBuffers = send_buffers,
};

/* What the program calls. */

static void release(udp_provider* p) {
  CPNatfwtDestroyProviderInstance(p->instance);
  for (size_t i = 0; i < MOST_IDS; ++i)
    if (p->locals[i].socket >= 0) close(p->locals[i].socket);
  close(p->wake[0]);
  close(p->wake[1]);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

HRESULT udp_provider_open(udp_provider** out) {
  udp_provider* const p = calloc(1, sizeof *p);
  if (!p) return E_OUTOFMEMORY;
  p->last = &p->first;
  for (size_t i = 0; i < MOST_IDS; ++i) p->locals[i].socket = -1;
  if (pipe(p->wake) != 0) {
    free(p);
    return E_FAIL;
  }
  pthread_mutex_init(&p->lock, NULL);
  WCHAR name[] = u"UDP on this host";
  HRESULT result = CPNatfwtCreateProviderInstance(&table, p, &p->instance);
  if (result == S_OK) result = CPNatfwtRegisterProviderInstance(p->instance, name, NULL, 0, NULL);
  if (result == S_OK) *out = p;
  else release(p);
  return result;
}

HRESULT udp_provider_close(udp_provider* provider) {
  const HRESULT result = CPNatfwtDeregisterProviderInstance(provider->instance);
  release(provider);
  return result;
}

USHORT udp_provider_port(udp_provider* provider, const BYTE id[16]) {
  struct sockaddr_in at = loopback(0);
  socklen_t length = sizeof at;
  pthread_mutex_lock(&provider->lock);
  const local_id* const found = find_local(provider, id);
  const int known = found && getsockname(found->socket, (struct sockaddr*)&at, &length) == 0;
  pthread_mutex_unlock(&provider->lock);
  return known ? ntohs(at.sin_port) : 0;
}

HRESULT udp_provider_add_peer(udp_provider* provider, const BYTE id[16], USHORT port) {
  HRESULT result = E_OUTOFMEMORY;
  pthread_mutex_lock(&provider->lock);
  if (provider->peer_count < MOST_PEERS) {
    peer* const added = &provider->peers[provider->peer_count++];
    memcpy(added->id, id, 16);
    added->at = loopback(port);
    result = S_OK;
  }
  pthread_mutex_unlock(&provider->lock);
  return result;
}
