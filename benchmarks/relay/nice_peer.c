// The contender: libnice's client, relayed by the same TURN server.
//
//   nice_peer SECONDS RATE SIZE
//
// Side a sends RATE datagrams of SIZE bytes a second, b counts them. Each writes its session
// description between "sdp" and "end" to the standard output and reads the other's from the input.
// The server and the side come from the laboratory's environment. It says what lockgate's peer
// says.
#include <agent.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { component = 1, longest_batch = 64 };

static NiceAgent* agent;
static GMainLoop* loop;
static guint stream_id;
static int is_a, seconds, rate, size;
static guint64 sent, seen;
static gint64 begun, last_seen;
static long cpu_begun, cpu_ended;
static char payload[65536];

static long cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec +
         used.ru_stime.tv_usec;
}

static void on_datagram(NiceAgent* from, guint stream, guint part, guint length, gchar* bytes,
                        gpointer data) {
  (void)from, (void)stream, (void)part, (void)length, (void)bytes, (void)data;
  if (seen++ == 0) cpu_begun = cpu_us();
  last_seen = g_get_monotonic_time();
}

// As many as are due, in batches: libnice's cheapest way.
static gboolean on_tick(gpointer data) {
  (void)data;
  const gint64 now = g_get_monotonic_time();
  if (!is_a) {
    if (seen > 0 && now - last_seen > 500000) {
      cpu_ended = cpu_us();
      g_main_loop_quit(loop);
      return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
  }
  if (now - begun > seconds * 1000000LL) {
    cpu_ended = cpu_us();
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
  }
  const guint64 due = (guint64)(now - begun) * (guint64)rate / 1000000;
  GOutputVector part = {payload, (gsize)size};
  NiceOutputMessage messages[longest_batch];
  for (int i = 0; i < longest_batch; ++i) messages[i] = (NiceOutputMessage){&part, 1};
  while (sent < due) {
    const guint64 rest = due - sent;
    const gint gone = nice_agent_send_messages_nonblocking(
        agent, stream_id, component, messages, (guint)(rest < longest_batch ? rest : longest_batch),
        NULL, NULL);
    if (gone <= 0) break;
    sent += (guint64)gone;
  }
  return G_SOURCE_CONTINUE;
}

static void on_state(NiceAgent* from, guint stream, guint part, guint state, gpointer data) {
  (void)from, (void)stream, (void)part, (void)data;
  if (state == NICE_COMPONENT_STATE_FAILED) {
    printf("failed=ice\n");
    exit(1);
  }
  if (state != NICE_COMPONENT_STATE_READY || begun != 0) return;
  begun = g_get_monotonic_time();
  cpu_begun = cpu_us();
  g_timeout_add(1, on_tick, NULL);
}

static void on_gathered(NiceAgent* from, guint stream, gpointer data) {
  (void)stream, (void)data;
  gchar* const description = nice_agent_generate_local_sdp(from);
  printf("sdp\n%send\n", description);
  fflush(stdout);
  g_free(description);
  GString* const other = g_string_new(NULL);
  char line[1024];
  while (fgets(line, sizeof line, stdin) && strcmp(line, "end\n") != 0)
    if (strcmp(line, "sdp\n") != 0) g_string_append(other, line);
  if (nice_agent_parse_remote_sdp(from, other->str) < 0) exit(2);
  g_string_free(other, TRUE);
}

int main(int count, char** words) {
  if (count < 4) return 2;
  seconds = atoi(words[1]);
  rate = atoi(words[2]);
  size = atoi(words[3]);
  is_a = strcmp(getenv("LAB_SIDE"), "a") == 0;
  loop = g_main_loop_new(NULL, FALSE);
  agent = nice_agent_new(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245);
  g_object_set(agent, "controlling-mode", is_a, "force-relay", TRUE, "upnp", FALSE, "ice-tcp",
               FALSE, NULL);
  NiceAddress own;
  nice_address_init(&own);
  nice_address_set_from_string(&own, getenv("LAB_ADDRESS"));
  nice_agent_add_local_address(agent, &own);
  stream_id = nice_agent_add_stream(agent, 1);
  nice_agent_set_stream_name(agent, stream_id, "application");
  nice_agent_set_relay_info(agent, stream_id, component, getenv("LAB_SERVER"),
                            (guint)atoi(getenv("LAB_TURN_PORT")), getenv("LAB_TURN_USER"),
                            getenv("LAB_TURN_PASSWORD"), NICE_RELAY_TYPE_TURN_UDP);
  g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_gathered), NULL);
  g_signal_connect(agent, "component-state-changed", G_CALLBACK(on_state), NULL);
  nice_agent_attach_recv(agent, stream_id, component, g_main_loop_get_context(loop), on_datagram,
                         NULL);
  if (!nice_agent_gather_candidates(agent, stream_id)) return 2;
  g_main_loop_run(loop);
  printf("datagrams=%lu cpu_us=%ld\n", (unsigned long)(is_a ? sent : seen), cpu_ended - cpu_begun);
  return 0;
}
