/*
 * verbena-cni: the file that a container runtime executes under each plugin's name. It frames the
 * call onto the agent's socket and prints the answer; it decides nothing.
 *
 * Socket: unix stream, path VERBENA_SOCKET, else /run/verbena/agent.sock.
 * Frame:  u32 length (bytes after this field, at most 16 MiB), u8 kind, payload. Integers are
 *         little-endian; str = u32 length, bytes.
 *
 *   1 request  shim to agent  u32 pid; u64 dev, u64 ino of the shim's network namespace; str last
 *                             component of argv[0]; u32 n, n * str "K=V" (the environment
 *                             variables that begin with CNI_); str standard input
 *   4 run      agent to shim  str type; u32 n, n * str "K=V" (override the environment); str
 *                             standard input of the plugin; may come any number of times
 *   2 ran      shim to agent  i32 status (exit status, 128 + signal, or -1: could not be run), str
 *                             standard output (first 15 MiB), str standard error (first MiB; the
 *                             reason when the status is -1)
 *   3 result   agent to shim  i32 exit status; str standard output. The last frame.
 *
 * VERSION and a call without CNI_COMMAND are answered here. How long the agent may be away: 60 s
 * (code 11 then), 1 s for STATUS (code 50); VERBENA_WAIT_MS overrides both.
 * Spec: CNI 1.1.0, sections 2 (execution protocol) and 5 (error).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

extern char **environ;

static const char DEFAULT_SOCKET[] = "/run/verbena/agent.sock";
static const char VERSION_ANSWER[] =
    "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":"
    "[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n";
static const char ABOUT_VERSIONS[] =
    "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n";

static const char *last_component(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static int print_about(const char *name)
{
  struct bytes text = {0};
  put_text(&text, "CNI ");
  put_text(&text, name);
  put_text(&text, " plugin of Verbena\n");
  put_text(&text, ABOUT_VERSIONS);
  return write_all(STDERR_FILENO, text.data, text.size) ? 0 : 1;
}

static void read_conf(struct bytes *conf)
{
  for (;;) {
    bytes_reserve(conf, 4096);
    ssize_t n = read(STDIN_FILENO, conf->data + conf->size, conf->room - conf->size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(conf, CNI_IO_FAILURE, "error reading from stdin", strerror(errno));
    if (n == 0) return;
    conf->size += (size_t)n;
    if (conf->size > FRAME_MAX)
      fail(conf, CNI_UNDECODABLE, "Cannot read the configuration: it is over 16 MiB", "");
  }
}

static bool is_cni(const char *variable)
{
  return strncmp(variable, "CNI_", 4) == 0;
}

static void put_request(struct bytes *request, const struct call *call)
{
  struct stat netns;
  if (stat("/proc/self/ns/net", &netns) < 0)
    fail(&call->conf, CNI_IO_FAILURE, "Cannot tell the network namespace of the shim",
         strerror(errno));
  uint32_t count = 0;
  for (char **v = environ; *v; v++) count += is_cni(*v);
  bytes_reserve(request, call->conf.size + 4096);
  frame_begin(request, FRAME_REQUEST);
  put_u32(request, (uint32_t)getpid());
  put_u64(request, netns.st_dev);
  put_u64(request, netns.st_ino);
  put_str(request, call->name, strlen(call->name));
  put_u32(request, count);
  for (char **v = environ; *v; v++)
    if (is_cni(*v)) put_str(request, *v, strlen(*v));
  put_str(request, call->conf.data, call->conf.size);
  if (!frame_end(request))
    fail(&call->conf, CNI_UNDECODABLE, "Cannot send the request: it is over 16 MiB", "");
}

static int64_t bound_ms(bool is_status)
{
  const char *text = getenv("VERBENA_WAIT_MS");
  if (text && *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*end == '\0' && value >= 0 && value <= 86400000) return value;
    fail(&(struct bytes){0}, CNI_INVALID_ENVIRONMENT,
         "Cannot use VERBENA_WAIT_MS: not milliseconds between 0 and 86400000", text);
  }
  return is_status ? 1000 : 60000;
}

static const char *socket_path(void)
{
  const char *path = getenv("VERBENA_SOCKET");
  if (!path || !*path) return DEFAULT_SOCKET;
  if (strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path) return path;
  fail(&(struct bytes){0}, CNI_INVALID_ENVIRONMENT,
       "Cannot use VERBENA_SOCKET: longer than a unix socket address (107 bytes)", path);
}

int main(int argc, char **argv)
{
  struct call call = {.name = argc > 0 ? last_component(argv[0]) : "verbena"};
  struct bytes request = {0};
  signal(SIGPIPE, SIG_IGN);
  call.command = getenv("CNI_COMMAND");
  if (!call.command || !*call.command) return print_about(call.name);
  if (strcmp(call.command, "VERSION") == 0)
    return write_all(STDOUT_FILENO, VERSION_ANSWER, sizeof VERSION_ANSWER - 1) ? 0 : 1;
  call.is_status = strcmp(call.command, "STATUS") == 0;
  call.socket = socket_path();
  call.bound_ms = bound_ms(call.is_status);
  read_conf(&call.conf);
  put_request(&request, &call);
  return ask_agent(&call, &request);
}
