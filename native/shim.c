/* SPDX-License-Identifier: Apache-2.0
 * verbena-cni: the file that a container runtime executes under each plugin's name. It frames the
 * call onto the agent's socket and prints the answer; it decides nothing. Spec: CNI 1.1.0, 2 to 5.
 *
 * Socket: unix stream, path VERBENA_SOCKET, else /run/verbena/agent.sock.
 * Frame:  u32 length (bytes after this field, at most 16 MiB), u8 kind, payload. Integers are
 *         little-endian; str = u32 length, bytes; pairs = u32 n, n * str "K=V".
 *   1 request  shim to agent  u32 pid; u64 dev, u64 ino of the shim's network namespace; str last
 *                             component of argv[0]; pairs CNI_*; str standard input
 *   4 run      agent to shim  str type of a plugin in CNI_PATH; pairs (override the environment);
 *                             str its standard input; may come any number of times
 *   2 ran      shim to agent  i32 status (exit status, 128 + signal, or -1: could not be run); str
 *                             standard output; str standard error (or the reason); 8 MiB of each
 *   3 result   agent to shim  i32 exit status; str standard output. The last frame.
 * The agent may be away for 60 s (code 11 then), for STATUS 1 s (code 50), or VERBENA_WAIT_MS. That
 * counts from the start and, once, again from when a connection breaks before its result: the
 * request is idempotent and sent again. The answer itself has no bound, but that to STATUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are copied as they are");
enum { REQUEST = 1, RAN = 2, RESULT = 3, RUN = 4, FRAME_MAX = 16 << 20 };
enum { OUTPUT_MAX = (8 << 20) - 64, CHUNK = 64 << 10, TICK_MS = 10 /* of times(2) */ };
enum { IO_FAILURE = 5, UNDECODABLE = 6, TRY_LATER = 11, UNAVAILABLE = 50 }; /* codes of CNI */
static const char VERSION[] = "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\","
                              "\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n";
static const char ABOUT[] = "CNI %s plugin of Verbena\nCNI protocol versions supported: "
                            "0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n";

/* The process is one call; all of it shares this. Pages that are never touched cost nothing. */
static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/verbena/agent.sock"};
static struct frame { uint32_t size; char data[FRAME_MAX + 1]; } request, received, ran;
static char *at, *end;                     /* what is left of the received frame */
static char output[2][OUTPUT_MAX + CHUNK]; /* of a plugin: standard output, standard error */
static size_t output_size[2];
static bool is_status; static const char *conf = ""; /* standard input */

/* Reads or writes all; less is an error or, with errno 0, the end of the input. */
static size_t transfer(int fd, void *data, size_t size, bool in)
{
  for (size_t done = 0; done < size;) {
    char *next = (char *)data + done;
    ssize_t n = in ? read(fd, next, size - done) : write(fd, next, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = 0;
    if (n <= 0) return done;
    done += (size_t)n;
  }
  return size;
}

/* Ends the call with a CNI error object, in the version of the configuration if that has one. */
static _Noreturn void fail(int code, const char *msg, const char *details)
{
  char version[12], mark[2];
  const char *key = strstr(conf, "\"cniVersion\"");
  if (!key || sscanf(key + 12, " : \"%11[0-9.]%1[\"]", version, mark) < 2) strcpy(version, "1.1.0");
  for (char *c = address.sun_path; *c; c++) /* instead of escapes */
    if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '?';
  dprintf(1, "{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s on %s\",\"details\":\"%s\"}\n",
          version, is_status ? UNAVAILABLE : code, msg, address.sun_path, details);
  _exit(1);
}

static void put_str(struct frame *f, const char *data, size_t size)
{
  if (size + 4 > FRAME_MAX - f->size) fail(UNDECODABLE, "Cannot ask the agent", "over 16 MiB");
  memcpy(f->data + f->size, &size, 4);
  memcpy(f->data + f->size + 4, data, size);
  f->size += (uint32_t)size + 4;
}

/* The next bytes of the received frame; without them the call ends. */
static char *take(size_t size)
{
  if (size > (size_t)(end - at)) fail(TRY_LATER, "Cannot understand the agent", "malformed frame");
  return (at += size) - size;
}

static uint32_t take_u32(void) { uint32_t value; return memcpy(&value, take(4), 4), value; }

/* A str as text, where it lies: it moves by a byte into its length, and a NUL fits behind it. */
static char *take_text(void)
{
  size_t size = take_u32();
  char *text = take(size) - 1;
  memmove(text, text + 1, size);
  text[size] = '\0';
  return text;
}

/* In the child: becomes the plugin that CNI_PATH has by this name, or reports why it cannot. */
static void become(const char *type, int report)
{
  char path[PATH_MAX], *dirs, *dir, *next; struct stat self = {0}, found;
  signal(SIGPIPE, SIG_DFL), stat("/proc/self/exe", &self);
  for (uint32_t n = take_u32(); n > 0; n--) putenv(take_text());
  dirs = getenv("CNI_PATH");
  for (dir = dirs = strdup(dirs ? dirs : ""); dir; dir = next) {
    if ((next = strchr(dir, ':'))) *next++ = '\0';
    int size = snprintf(path, sizeof path, "%s/%s", dir, type);
    if (next) next[-1] = ' ';
    if (!*dir || strchr(type, '/') || size >= PATH_MAX || stat(path, &found) < 0 ||
        !S_ISREG(found.st_mode) || access(path, X_OK) < 0 ||
        (found.st_dev == self.st_dev && found.st_ino == self.st_ino))
      continue;
    /* ETXTBSY: somebody is just writing the file, an installer for instance. */
    for (int tries = 0; execl(path, path, NULL) < 0 && errno == ETXTBSY && tries < 5; tries++)
      poll(NULL, 0, 100);
    return (void)dprintf(report, "cannot run plugin %s: %s", path, strerror(errno));
  }
  dprintf(report, "failed to find plugin \"%s\" in path [%s]", type, dirs);
}

/* Feeds and reads until the plugin has ended, even if a process it left holds its output open. */
static int attend(pid_t pid, struct pollfd fds[4], const char *input, size_t left)
{
  int status = 0; /* `ended` counts the rounds since: who is left may write for ever */
  for (int ended = 0; ended < 1000 && (poll(fds, 3, ended ? 0 : 20) != 0 || !ended);) {
    if (fds[0].revents) {
      ssize_t n = write(fds[0].fd, input, left);
      if (n > 0) input += n, left -= (size_t)n;
      /* A plugin that does not read its input closes the pipe: it may still succeed. */
      if (left == 0 || (n < 0 && errno == EPIPE)) close(fds[0].fd), fds[0].fd = -1;
    }
    for (int i = 0; i < 2; i++) {
      ssize_t n = fds[i + 1].revents ? read(fds[i + 1].fd, output[i] + output_size[i], CHUNK) : -1;
      if (n == 0) close(fds[i + 1].fd), fds[i + 1].fd = -1;
      if (n > 0) output_size[i] += (size_t)n;
      if (output_size[i] > OUTPUT_MAX) output_size[i] = OUTPUT_MAX; /* what is over is dropped */
    }
    int options = (fds[0].fd & fds[1].fd & fds[2].fd) < 0 ? 0 : WNOHANG;
    ended += ended || waitpid(pid, &status, options) != 0;
  }
  for (int i = 0; i < 4; i++) close(fds[i].fd);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Does what the received `run` says, and fills `ran`. */
static void run_plugin(void)
{
  int pipes[4][2]; /* the fourth says why there is no plugin */
  const char *type = take_text();
  char *pairs = at;
  for (uint32_t n = take_u32(); n > 0; n--) take(take_u32());
  size_t size = take_u32();
  const char *input = take(size);
  bool ready = true;
  for (int i = 0; i < 4; i++) ready = ready && pipe2(pipes[i], O_CLOEXEC) == 0;
  pid_t shim = getpid(), pid = ready ? fork() : -1;
  if (pid < 0) fail(IO_FAILURE, "Cannot run a plugin for the agent", strerror(errno));
  if (pid == 0) { /* no plugin outlives its call: the next one would find what it does after that */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != shim) _exit(127);
    for (int i = 0; i < 3; i++) dup2(pipes[i][i > 0], i);
    at = pairs, become(type, pipes[3][1]), _exit(127);
  }
  for (int i = 0; i < 4; i++)
    close(pipes[i][i > 0]), fcntl(pipes[i][i == 0], F_SETFL, i < 3 ? O_NONBLOCK : 0);
  output_size[0] = 0, output_size[1] = transfer(pipes[3][0], output[1], OUTPUT_MAX, true);
  struct pollfd fds[] = {{pipes[0][1], POLLOUT, 0}, {pipes[1][0], POLLIN, 0},
                         {pipes[2][0], POLLIN, 0}, {pipes[3][0], 0, 0}};
  int none = output_size[1] > 0, ended = attend(pid, fds, input, size), status = none ? -1 : ended;
  ran.data[0] = RAN, ran.size = 5;
  memcpy(ran.data + 1, &status, 4);
  for (int i = 0; i < 2; i++) put_str(&ran, output[i], output_size[i]);
}

/* Ends the call with the agent's result, or returns when the connection breaks before it. */
static void converse(int fd)
{
  for (struct frame *next = &request;; next = &ran) {
    if (transfer(fd, next, 4 + next->size, false) < 4 + next->size) return;
    if (transfer(fd, &received.size, 4, true) < 4) return;
    at = received.data, end = at + (received.size <= FRAME_MAX ? received.size : 0);
    if (transfer(fd, at, (size_t)(end - at), true) < (size_t)(end - at)) return;
    char kind = *take(1);
    if (kind != RUN && kind != RESULT) take(FRAME_MAX); /* more than there is: malformed */
    if (kind == RESULT) break;
    run_plugin();
  }
  uint32_t status = take_u32(), size = take_u32();
  if (transfer(STDOUT_FILENO, take(size), size, false) < size) status = 1;
  /* exit() keeps eight bits only: a failure must not become a success. */
  _exit(status != 0 && (status & 255) == 0 ? 1 : status & 255);
}

static _Noreturn void ask_agent(long bound_ms)
{
  struct timeval bound = {bound_ms / 1000, bound_ms % 1000 * 1000 + 1};
  clock_t deadline = times(NULL) + bound_ms / TICK_MS;
  pid_t caller = getppid(); bool broke = false;
  for (int pause_ms = 20; getppid() == caller; pause_ms = pause_ms * 2 < 250 ? pause_ms * 2 : 250) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A full backlog would hold connect(), an agent that does not read write(). */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    if (is_status) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    bool connected = connect(fd, (const void *)&address, sizeof address) == 0;
    if (connected) converse(fd);
    const char *cause = errno == EAGAIN ? "timed out" : errno ? strerror(errno) : "it was closed";
    /* Only once, or an agent that dies of this request would keep the caller for ever. */
    if (connected && !broke && errno != EAGAIN)
      broke = true, pause_ms = 20, deadline = times(NULL) + bound_ms / TICK_MS;
    if (close(fd), times(NULL) >= deadline) fail(TRY_LATER, "Verbena agent does not answer", cause);
    poll(NULL, 0, pause_ms);
  }
  _exit(1); /* the caller is gone, and asks for nothing any more */
}

int main(void)
{
  const char *command = getenv("CNI_COMMAND"), *path = getenv("VERBENA_SOCKET");
  const char *wait_ms = getenv("VERBENA_WAIT_MS"), *name = program_invocation_short_name;
  struct stat netns;
  if (!command || !*command) return dprintf(STDERR_FILENO, ABOUT, name) < 0;
  if (!strcmp(command, "VERSION")) return write(STDOUT_FILENO, VERSION, sizeof VERSION - 1) < 0;
  signal(SIGPIPE, SIG_IGN);
  is_status = strcmp(command, "STATUS") == 0;
  if (path && *path) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (stat("/proc/self/ns/net", &netns) < 0) fail(IO_FAILURE, "Cannot ask the agent", "no /proc");
  struct __attribute__((packed)) { uint8_t kind; uint32_t pid; uint64_t dev, ino; } head = {
      REQUEST, (uint32_t)getpid(), netns.st_dev, netns.st_ino};
  memcpy(request.data, &head, request.size = sizeof head);
  put_str(&request, name, strlen(name));
  uint32_t count = 0, place = (request.size += sizeof count) - sizeof count;
  for (char **v = environ; *v; v++)
    if (strncmp(*v, "CNI_", 4) == 0) put_str(&request, *v, strlen(*v)), count++;
  memcpy(request.data + place, &count, sizeof count);
  size_t size = transfer(STDIN_FILENO, received.data, FRAME_MAX, true);
  if (size < FRAME_MAX && errno) fail(IO_FAILURE, "Cannot ask the agent", "no standard input");
  put_str(&request, received.data, size); /* as large as a frame, it does not fit into one */
  conf = request.data + request.size - size;
  ask_agent(wait_ms && *wait_ms ? atol(wait_ms) : is_status ? 1000 : 60000);
}
