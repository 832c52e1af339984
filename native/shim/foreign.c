/*
 * Runs a plugin of another vendor (or a foreign IPAM) on the host, because the agent's `run` frame
 * says so: payload str type; u32 n, n * str "K=V"; str standard input. Answers with the payload of
 * `ran`: i32 status, str standard output, str standard error.
 *
 * The plugin is looked for in this process's own CNI_PATH and inherits its environment, with the
 * overrides of the frame. Spec: CNI 1.1.0, section 4 (delegation); messages as in libcni.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

extern char **environ;

/* Both together fit into one frame; what is over is read and dropped. */
enum { OUT_MAX = 15 << 20, ERR_MAX = (1 << 20) - 64 };
enum { BUSY_RETRIES = 5, BUSY_PAUSE_MS = 100 };

struct child {
  pid_t pid;
  int in, out, err; /* our ends, non-blocking; -1 when closed */
};

/* Appends the payload of `ran` and frees both outputs, the only large ones of this file. */
static void put_ran(struct bytes *ran, int32_t status, struct bytes *out, struct bytes *err)
{
  put_u32(ran, (uint32_t)status);
  put_str(ran, out->data, out->size);
  put_str(ran, err->data, err->size);
  free(out->data);
  free(err->data);
}

static bool is_runnable(const char *path, const struct stat *self)
{
  struct stat found;
  if (stat(path, &found) < 0 || !S_ISREG(found.st_mode) || access(path, X_OK) < 0) return false;
  return found.st_dev != self->st_dev || found.st_ino != self->st_ino;
}

/* The file to execute, allocated; NULL with the reason in `why`. */
static char *find_plugin(const char *type, struct bytes *why)
{
  const char *dirs = getenv("CNI_PATH");
  struct stat self;
  if (!*type || strchr(type, '/') || strcmp(type, ".") == 0 || strcmp(type, "..") == 0)
    put_text(why, "invalid plugin name: "), put_text(why, type);
  else if (!dirs || !*dirs)
    put_text(why, "no paths provided");
  else if (stat("/proc/self/exe", &self) < 0)
    put_text(why, "cannot tell the shim's own file: "), put_text(why, strerror(errno));
  if (why->size > 0) return NULL;
  put_text(why, "failed to find plugin \"");
  put_text(why, type);
  put_text(why, "\" in path [");
  for (const char *at = dirs; at; at = *at ? at + 1 : NULL) {
    size_t size = strcspn(at, ":");
    struct bytes path = {0};
    if (size > 0) {
      put(&path, at, size);
      put_text(&path, "/");
      put_text(&path, type);
      if (is_runnable(text_of(&path), &self)) return (char *)path.data;
      free(path.data);
    }
    if (at != dirs) put_text(why, " ");
    put(why, at, size);
    at += size;
  }
  put_text(why, "]");
  return NULL;
}

static bool same_variable(const char *a, const char *b)
{
  size_t size = strcspn(a, "=");
  return strncmp(a, b, size + 1) == 0;
}

/* This process's environment with `count` variables put in the place of those of their names. */
static char **merged_environment(char **overrides, uint32_t count)
{
  size_t own = 0, used = 0;
  while (environ[own]) own++;
  char **merged = allocate((own + count + 1) * sizeof *merged);
  for (size_t i = 0; i < own; i++) {
    uint32_t k = 0;
    while (k < count && !same_variable(overrides[k], environ[i])) k++;
    if (k == count) merged[used++] = environ[i];
  }
  for (uint32_t k = 0; k < count; k++) merged[used++] = overrides[k];
  merged[used] = NULL;
  return merged;
}

static _Noreturn void become(char *path, char **env, const int std[3], int report)
{
  struct timespec pause = {0, BUSY_PAUSE_MS * 1000000L};
  char *argv[] = {path, NULL};
  signal(SIGPIPE, SIG_DFL);
  for (int i = 0; i < 3; i++)
    if (dup2(std[i], i) < 0) goto failed;
  /* ETXTBSY: somebody is just writing the file, an installer for instance. */
  for (int tries = 0; execve(path, argv, env) < 0 && errno == ETXTBSY && tries < BUSY_RETRIES;
       tries++)
    nanosleep(&pause, NULL);
failed:;
  int error = errno;
  write_all(report, &error, sizeof error);
  _exit(127);
}

/* 0 and a running child, or the errno of what prevented it. */
static int start(struct child *child, char *path, char **env)
{
  int in[2], out[2], err[2], report[2], error = 0;
  /* Nothing is closed when a pipe cannot be had: the process ends soon after, with its answer. */
  if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
      pipe2(report, O_CLOEXEC) < 0)
    return errno;
  child->pid = fork();
  if (child->pid == 0) become(path, env, (int[]){in[0], out[1], err[1]}, report[1]);
  if (child->pid < 0) error = errno;
  close(in[0]), close(out[1]), close(err[1]), close(report[1]);
  child->in = in[1], child->out = out[0], child->err = err[0];
  fcntl(child->in, F_SETFL, O_NONBLOCK);
  fcntl(child->out, F_SETFL, O_NONBLOCK);
  fcntl(child->err, F_SETFL, O_NONBLOCK);
  while (error == 0 && read(report[0], &error, sizeof error) < 0 && errno == EINTR) continue;
  close(report[0]);
  if (error != 0) close(child->in), close(child->out), close(child->err);
  if (error != 0 && child->pid > 0) waitpid(child->pid, NULL, 0);
  return error;
}

static void feed(int *fd, struct span *input)
{
  ssize_t n = input->size > 0 ? write(*fd, input->data, input->size) : 0;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) input->data += n, input->size -= (size_t)n;
  /* A plugin that does not read its input closes the pipe: it may still succeed. */
  if (n < 0 || input->size == 0) close(*fd), *fd = -1;
}

/* Reads what is there; at its end the descriptor is closed. */
static void drain(int *fd, struct bytes *into, size_t max)
{
  uint8_t chunk[16384];
  while (*fd >= 0) {
    ssize_t n = read(*fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) close(*fd), *fd = -1;
    else put(into, chunk, (size_t)n < max - into->size ? (size_t)n : max - into->size);
  }
}

/* Feeds and reads until the plugin has exited, even if a process it left holds its output open. */
static int32_t finish(struct child *child, struct span input, struct bytes *out, struct bytes *err)
{
  int pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0); /* -1 before Linux 5.3: ends at EOF */
  bool exited = false;
  while (!exited && (pidfd >= 0 || child->out >= 0 || child->err >= 0)) {
    struct pollfd fds[] = {{child->in, POLLOUT, 0}, {child->out, POLLIN, 0},
                           {child->err, POLLIN, 0}, {pidfd, POLLIN, 0}};
    if (poll(fds, 4, -1) < 0) continue;
    exited = fds[3].revents != 0;
    if (fds[0].revents) feed(&child->in, &input);
    if (fds[1].revents || exited) drain(&child->out, out, OUT_MAX);
    if (fds[2].revents || exited) drain(&child->err, err, ERR_MAX);
  }
  int status = 0;
  while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) continue;
  int fds[] = {child->in, child->out, child->err, pidfd};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
    if (fds[i] >= 0) close(fds[i]);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool run_foreign(struct reader payload, struct bytes *ran)
{
  struct bytes out = {0}, err = {0};
  char *type = take_text(&payload);
  uint32_t count = take_u32(&payload);
  if (payload.bad || count > (size_t)(payload.end - payload.at) / 4) return false;
  char **overrides = allocate(count * sizeof *overrides);
  for (uint32_t i = 0; i < count; i++) {
    overrides[i] = take_text(&payload);
    if (!strchr(overrides[i], '=')) return false;
  }
  struct span input = take_str(&payload);
  if (payload.bad || payload.at != payload.end) return false;
  char *path = find_plugin(type, &err);
  if (!path) return put_ran(ran, -1, &out, &err), true;
  err.size = 0;
  struct child child;
  int error = start(&child, path, merged_environment(overrides, count));
  if (error == 0) return put_ran(ran, finish(&child, input, &out, &err), &out, &err), true;
  put_text(&err, "cannot run plugin ");
  put_text(&err, path);
  put_text(&err, ": ");
  put_text(&err, strerror(error));
  return put_ran(ran, -1, &out, &err), true;
}
