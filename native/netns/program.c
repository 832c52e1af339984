/*
 * Checks and executes a program (format in addon.c) on the present thread, which visits the
 * namespaces that its operations name and is back in its own at the end.
 *
 * Invariant: a thread that cannot return ends the process. A pool thread left in a pod's namespace
 * would silently do the work of the next caller there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

enum { OP_HEAD = 16, READ_MAX = 64 << 10, SOCKETS_MAX = 16, OWN = -1 };

/* A visit to the namespaces of one program: where the thread is, and the sockets it opened. */
struct visit {
  int own;         /* descriptor of the thread's own namespace; -1 until it is needed */
  int32_t present; /* the descriptor entered, or OWN */
  size_t used;
  struct {
    int fd;
    int32_t netns;
    uint32_t protocol;
  } sockets[SOCKETS_MAX];
};

static uint32_t load_u32(const uint8_t *at)
{
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store_u32(uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

uint8_t *result_room(struct result *result, size_t more)
{
  if (result->failed) return NULL;
  if (more > result->room - result->size) {
    size_t room = result->room * 2 + more;
    uint8_t *data = realloc(result->data, room);
    if (!data) return NULL;
    result->data = data;
    result->room = room;
  }
  return result->data + result->size;
}

/* The size of the operation at `at` with its bytes; the caller has checked that it is there. */
static size_t load_op(const uint8_t *at, struct op *op)
{
  *op = (struct op){.kind = at[0], .flags = at[1], .netns = (int32_t)load_u32(at + 4),
                    .arg = load_u32(at + 8), .size = load_u32(at + 12), .bytes = at + OP_HEAD};
  return OP_HEAD + (size_t)op->size;
}

static bool is_path(const uint8_t *bytes, size_t size)
{
  return size > 0 && size < PATH_MAX && !memchr(bytes, 0, size);
}

const char *program_flaw(const uint8_t *program, size_t size)
{
  for (size_t at = 0; at < size;) {
    struct op op;
    const char *flaw = NULL;
    if (size - at < OP_HEAD) return "operation is cut";
    if (load_u32(program + at + 12) > size - at - OP_HEAD) return "bytes run past the end";
    if (program[at + 2] || program[at + 3]) return "reserved bytes are not zero";
    at += load_op(program + at, &op);
    if (op.flags & ~GO_ON_AFTER_FAILURE) return "unknown flag";
    if (op.netns < OWN) return "netns is neither a descriptor nor -1";
    if (op.kind == OP_NETLINK) flaw = netlink_flaw(op.bytes, op.size);
    else if (op.kind == OP_WRITE_FILE && (op.arg > op.size || !is_path(op.bytes, op.arg)))
      flaw = "write file: not a path";
    else if (op.kind == OP_READ_FILE && !is_path(op.bytes, op.size)) flaw = "read file: not a path";
    else if (op.kind == OP_LOCK_FILE && !is_path(op.bytes, op.size)) flaw = "lock file: not a path";
    else if (op.kind < OP_NETLINK || op.kind > OP_LOCK_FILE) flaw = "unknown operation";
    if (flaw) return flaw;
  }
  return NULL;
}

/* One write, for abort() follows and other threads may hold the locks of stdio. */
static _Noreturn void abort_lost(void)
{
  static const char LOST[] =
      "verbena: netns addon: the thread cannot return to its own network namespace\n";
  ssize_t ignored = write(STDERR_FILENO, LOST, sizeof LOST - 1);
  (void)ignored;
  abort();
}

static void go_home(struct visit *visit)
{
  if (visit->present != OWN && setns(visit->own, CLONE_NEWNET) < 0) abort_lost();
  visit->present = OWN;
}

/* Brings the thread into a namespace: 0, or -errno with the thread where it was. */
static int enter(struct visit *visit, int32_t netns)
{
  if (netns == visit->present) return 0;
  if (netns == OWN) {
    go_home(visit);
    return 0;
  }
  if (visit->own < 0) visit->own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (visit->own < 0 || setns(netns, CLONE_NEWNET) < 0) return -errno;
  visit->present = netns;
  return 0;
}

static void close_socket(struct visit *visit, size_t index)
{
  close(visit->sockets[index].fd);
  visit->sockets[index] = visit->sockets[--visit->used];
}

/* The index of the socket for (netns, protocol), made when there is none yet, or -errno. */
static int find_socket(struct visit *visit, const struct op *op)
{
  for (size_t i = 0; i < visit->used; i++)
    if (visit->sockets[i].netns == op->netns && visit->sockets[i].protocol == op->arg)
      return (int)i;
  int status = enter(visit, op->netns);
  if (status < 0) return status;
  int fd = netlink_open(op->arg);
  if (fd < 0) return fd;
  if (visit->used == SOCKETS_MAX) close_socket(visit, 0);
  size_t index = visit->used++;
  visit->sockets[index].fd = fd;
  visit->sockets[index].netns = op->netns;
  visit->sockets[index].protocol = op->arg;
  return (int)index;
}

static int transact(struct visit *visit, const struct op *op, struct result *result)
{
  bool unusable = false;
  int index = find_socket(visit, op);
  if (index < 0) return index;
  int status = netlink_transact(visit->sockets[index].fd, op, result, &unusable);
  if (unusable) close_socket(visit, (size_t)index);
  return status;
}

/* O_NONBLOCK: a path that turns out to be a pipe must not hold the thread. */
static int open_file(const uint8_t *path, size_t size, int flags)
{
  char text[PATH_MAX];
  memcpy(text, path, size);
  text[size] = '\0';
  int fd = open(text, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

static int write_file(const struct op *op)
{
  size_t size = op->size - op->arg;
  int fd = open_file(op->bytes, op->arg, O_WRONLY | O_TRUNC), status = 0;
  if (fd < 0) return fd;
  /* One write: the kernel takes a sysctl as a whole or not at all. */
  ssize_t n = write(fd, op->bytes + op->arg, size);
  if (n < 0) status = -errno;
  else if ((size_t)n != size) status = -EIO;
  if (close(fd) < 0 && status == 0) status = -errno;
  return status;
}

static int read_file(const struct op *op, struct result *result)
{
  int fd = open_file(op->bytes, op->size, O_RDONLY), status = 0;
  if (fd < 0) return fd;
  size_t size = 0;
  uint8_t *room = result_room(result, READ_MAX + 1);
  if (!room) status = -ENOMEM;
  while (room && size <= READ_MAX) {
    ssize_t n = read(fd, room + size, READ_MAX + 1 - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = -errno;
    if (n <= 0) break;
    size += (size_t)n;
  }
  if (size > READ_MAX) status = -EFBIG;
  if (status == 0) result->size += size;
  close(fd);
  return status;
}

static int execute(struct visit *visit, const struct op *op, struct result *result)
{
  if (op->kind == OP_NETLINK) return transact(visit, op, result);
  int status = enter(visit, op->netns);
  if (status < 0) return status;
  if (op->kind == OP_LOCK_FILE) return lock_file(op, result);
  return op->kind == OP_WRITE_FILE ? write_file(op) : read_file(op, result);
}

void program_execute(const uint8_t *program, size_t size, struct result *result)
{
  struct visit visit = {.own = -1, .present = OWN};
  bool stopped = false;
  for (size_t at = 0; at < size && !result->failed;) {
    struct op op;
    size_t head = result->size;
    at += load_op(program + at, &op);
    if (!result_room(result, 8)) {
      result->failed = true;
      break;
    }
    result->size += 8;
    int status = stopped ? -ECANCELED : execute(&visit, &op, result);
    store_u32(result->data + head, (uint32_t)status);
    store_u32(result->data + head + 4, (uint32_t)(result->size - head - 8));
    stopped = stopped || (status < 0 && !(op.flags & GO_ON_AFTER_FAILURE));
  }
  while (visit.used > 0) close_socket(&visit, visit.used - 1);
  go_home(&visit);
  if (visit.own >= 0) close(visit.own);
}
