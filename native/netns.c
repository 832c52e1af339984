/* SPDX-License-Identifier: Apache-2.0
 * netns.node, the Node-API addon: transact(program: Uint8Array): Promise<Uint8Array> executes a
 * program on a thread of libuv's pool, never on the main thread; calls share nothing. It throws
 * EINVAL or ENOMEM before anything is executed, and rejects with ENOMEM.
 *
 * Program: operations one after the other, executed in order; integers are little-endian.
 *   u8 op; u8 flags; u16 zero; i32 netns; u32 arg; u32 length; length bytes
 *   flags bit 0: go on after a failure of this operation (else the rest is -125, ECANCELED); bit
 *         1: a program of its own begins here, whatever became of those before it
 *   netns: descriptor of a network namespace, open until the promise settles; -1: the thread's own
 *   op 1 netlink     arg = protocol (0 ROUTE, 12 NETFILTER); bytes = one datagram; data = answers
 *   op 2 write file  arg = length of the path; bytes = path, content (one write); it must exist
 *   op 3 read file   bytes = path; data = content; over 64 KiB: -EFBIG
 *   op 4 lock file   bytes = path, made if absent; data = u32 descriptor that has the exclusive
 *                    flock(2) until the caller closes it; -EWOULDBLOCK at once when another has it
 *   op 5 open packet bytes = sockaddr_ll (packet(7)); data = u32 descriptor, the caller's to close,
 *                    of a socket for whole frames of its link and EtherType that never blocks
 * Result, per operation: i32 status (0 or -errno), u32 length, length bytes of data.
 * Netlink (RFC 3549) answers once to a message with NLM_F_ACK or that asks for a dump, and queues
 * answers before send returns: an empty queue after an error means that no more comes.
 */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <node_api.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are taken as they are");
enum { OP_NETLINK = 1, OP_WRITE, OP_READ, OP_LOCK, OP_PACKET, GO_ON = 1, BEGIN = 2 };
enum { OWN = -1, READ_MAX = 64 << 10, RECEIVE_MAX = 256 << 10, ROOM = 4096 };

/* Both are read where they lie, at any address. */
struct __attribute__((packed, may_alias)) message {
  uint32_t length; uint16_t type, flags; uint32_t sequence, port; int32_t error; /* of an answer */
};
struct __attribute__((packed, may_alias)) op {
  uint8_t kind, flags; uint16_t zero; int32_t netns; uint32_t arg, length; uint8_t bytes[];
};
static int own_netns = -1; /* of the process: between two calls every thread is in it */
/* One call. Descriptors are -1 until they are needed; to close(2) -1 does nothing. */
struct work {
  napi_async_work handle; napi_deferred deferred;
  int present;                                          /* the namespace where the thread is */
  int socket, socket_netns; uint32_t socket_protocol;   /* the latest socket */
  uint8_t *data; size_t size, room; bool out_of_memory; /* the result */
  size_t program_size; uint8_t program[];
};

/* Puts bytes behind the result; false when there is no memory. */
static bool append(struct work *w, const void *bytes, size_t size)
{
  if (w->room - w->size < size) {
    uint8_t *data = realloc(w->data, w->room * 2 + size + ROOM);
    if (!data) return errno = ENOMEM, false;
    w->data = data, w->room = w->room * 2 + size + ROOM;
  }
  return memcpy(w->data + w->size, bytes, size), w->size += size, true;
}

/* Counts messages that ask for an answer; with a status, answers, and stores their first error. */
static int count_messages(const uint8_t *at, size_t size, int32_t *status)
{
  int count = 0;
  for (size_t step; size > 0; at += step, size -= step) {
    const struct message *m = (const struct message *)at;
    if (size < NLMSG_HDRLEN || m->length < NLMSG_HDRLEN || m->length > size) return -1;
    bool answers = m->type == NLMSG_ERROR || m->type == NLMSG_DONE;
    bool asks = m->flags & NLM_F_ACK || (m->flags & NLM_F_DUMP) == NLM_F_DUMP;
    int32_t error = answers && m->length >= sizeof *m ? m->error : 0;
    if (status && *status == 0 && error < 0) *status = error;
    count += status ? answers : asks;
    step = size - m->length > 3 ? NLMSG_ALIGN(m->length) : size;
  }
  return count;
}

/* NULL when the whole program can be executed, else what is wrong with it. */
static const char *program_flaw(const uint8_t *at, size_t size)
{
  for (size_t step; size > 0; at += step, size -= step) {
    const struct op *op = (const struct op *)at;
    if (size < sizeof *op) return "operation is cut";
    if (op->length > size - sizeof *op) return "bytes run past the end";
    if (op->kind < OP_NETLINK || op->kind > OP_PACKET) return "unknown operation";
    size_t path = op->kind == OP_WRITE ? op->arg : op->length;
    if (path < 1 || path > op->length) return "nothing in it";
    if (op->kind == OP_NETLINK && count_messages(op->bytes, path, NULL) < 0) return "no messages";
    bool is_file = op->kind > OP_NETLINK && op->kind < OP_PACKET;
    if (is_file && (path >= PATH_MAX || memchr(op->bytes, 0, path))) return "no path";
    step = sizeof *op + op->length;
  }
  return NULL;
}

/* Brings the thread into a namespace: 0, or -errno with the thread where it was. */
static int enter(struct work *w, int netns)
{
  static const char LOST[] = "verbena: netns addon: a thread cannot return to its own netns\n";
  if (netns == w->present || own_netns < 0) return netns == w->present ? 0 : -ENOENT;
  if (setns(netns == OWN ? own_netns : netns, CLONE_NEWNET) == 0) return w->present = netns, 0;
  if (netns != OWN) return -errno;
  /* Left in a pod's namespace, the thread would silently do the work of the next caller there. */
  (void)!write(STDERR_FILENO, LOST, sizeof LOST - 1);
  abort();
}

/* Makes the latest socket the one for an operation: 0 or -errno. */
static int open_socket(struct work *w, const struct op *op)
{
  static const struct timeval TIMEOUT = {.tv_sec = 10};
  static const int ON = 1, BUFFER = 8 << 20; /* the default holds some 200 acknowledgements */
  if (w->socket >= 0 && w->socket_netns == op->netns && w->socket_protocol == op->arg) return 0;
  int status = enter(w, op->netns);
  if (status < 0) return status;
  close(w->socket);
  w->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)op->arg);
  if (w->socket < 0) return -errno;
  w->socket_netns = op->netns, w->socket_protocol = op->arg;
  /* Without an option the exchange is poorer, not wrong; FORCE wants a privilege. */
  setsockopt(w->socket, SOL_SOCKET, SO_RCVTIMEO, &TIMEOUT, sizeof TIMEOUT);
  setsockopt(w->socket, SOL_NETLINK, NETLINK_EXT_ACK, &ON, sizeof ON);
  setsockopt(w->socket, SOL_NETLINK, NETLINK_CAP_ACK, &ON, sizeof ON);
  setsockopt(w->socket, SOL_SOCKET, SO_RCVBUFFORCE, &BUFFER, sizeof BUFFER);
  setsockopt(w->socket, SOL_SOCKET, SO_SNDBUFFORCE, &BUFFER, sizeof BUFFER);
  return 0;
}

static int exchange(struct work *w, const struct op *op)
{
  int status = open_socket(w, op), left = count_messages(op->bytes, op->length, NULL); ssize_t n;
  uint8_t answer[RECEIVE_MAX]; /* of the stack only those pages are used that are filled */
  if (status < 0) return status;
  while ((n = send(w->socket, op->bytes, op->length, 0)) < 0 && errno == EINTR) continue;
  while (n >= 0) {
    int flags = MSG_TRUNC | (left > 0 && status == 0 ? 0 : MSG_DONTWAIT);
    n = recv(w->socket, answer, RECEIVE_MAX, flags);
    if (n < 0 && errno == EAGAIN && flags & MSG_DONTWAIT) return status;
    if (n < 0 && errno == EINTR) n = 0; /* again: there is nothing to count */
    if (n > RECEIVE_MAX) n = -1, errno = EMSGSIZE;
    if (n > 0) left -= count_messages(answer, (size_t)n, &status);
    n = n > 0 && !append(w, answer, (size_t)n) ? -1 : n;
  }
  if (status == 0) status = errno == EAGAIN ? -ETIMEDOUT : -errno;
  return close(w->socket), w->socket = -1, status; /* what may still come belongs to nobody */
}

static int use_file(struct work *w, const struct op *op)
{
  static const int FLAGS[] = {
      [OP_WRITE] = O_WRONLY | O_TRUNC, [OP_READ] = O_RDONLY, [OP_LOCK] = O_RDWR | O_CREAT};
  char path[PATH_MAX] = ""; uint8_t content[READ_MAX + 1];
  size_t length = op->kind == OP_WRITE ? op->arg : op->length, rest = op->length - length, got = 0;
  ssize_t n;
  int status = enter(w, op->netns);
  if (status < 0) return status;
  memcpy(path, op->bytes, length);
  /* O_NONBLOCK: a path that turns out to be a pipe must not hold the thread. */
  int fd = open(path, FLAGS[op->kind] | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (fd < 0) return -errno;
  if (op->kind == OP_LOCK) { /* not waited for: its owner may need this thread to let go of it */
    status = flock(fd, LOCK_EX | LOCK_NB) < 0 || !append(w, &fd, 4) ? -errno : 0;
    if (status == 0) return 0;
  } else if (op->kind == OP_WRITE) { /* one write: the kernel takes a sysctl whole or not at all */
    while ((n = write(fd, op->bytes + length, rest)) < 0 && errno == EINTR) continue;
    status = n < 0 ? -errno : (size_t)n < rest ? -EIO : 0;
  } else {
    do n = read(fd, content + got, READ_MAX + 1 - got), got += n > 0 ? (size_t)n : 0;
    while (n > 0 || (n < 0 && errno == EINTR));
    status = n < 0 ? -errno : got > READ_MAX ? -EFBIG : append(w, content, got) ? 0 : -ENOMEM;
  }
  return close(fd), status;
}

static int open_packet(struct work *w, const struct op *op)
{
  int status = enter(w, op->netns), type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int fd = status < 0 ? -1 : socket(AF_PACKET, type, 0); /* hears nothing until it is bound */
  if (fd >= 0 && bind(fd, (const void *)op->bytes, op->length) == 0 && append(w, &fd, 4)) return 0;
  status = status < 0 ? status : -errno;
  return close(fd), status;
}

static void on_pool_thread(napi_env env __attribute__((unused)), void *data)
{
  struct work *w = data; bool stopped = false;
  for (size_t at = 0; at < w->program_size;) {
    const struct op *op = (const struct op *)(w->program + at);
    size_t head = w->size;
    int32_t result[2] = {-ECANCELED};
    at += sizeof *op + op->length;
    if ((w->out_of_memory = !append(w, result, sizeof result))) break;
    stopped = stopped && !(op->flags & BEGIN);
    if (!stopped)
      result[0] = op->kind == OP_NETLINK ? exchange(w, op)
                : op->kind == OP_PACKET ? open_packet(w, op) : use_file(w, op);
    result[1] = (int32_t)(w->size - head - sizeof result);
    memcpy(w->data + head, result, sizeof result);
    stopped = stopped || (result[0] < 0 && !(op->flags & GO_ON));
  }
  close(w->socket), enter(w, OWN);
}

static void on_main_thread(napi_env env, napi_status status, void *data)
{
  struct work *w = data; napi_value value, array; void *bytes;
  bool made = status == napi_ok && !w->out_of_memory &&
      napi_create_arraybuffer(env, w->size, &bytes, &value) == napi_ok &&
      napi_create_typedarray(env, napi_uint8_array, w->size, value, 0, &array) == napi_ok;
  if (made && w->size > 0) memcpy(bytes, w->data, w->size);
  if (made) napi_resolve_deferred(env, w->deferred, array);
  else if (napi_throw_error(env, "ENOMEM", "Cannot return the netns result: out of memory"),
           napi_get_and_clear_last_exception(env, &value) == napi_ok)
    napi_reject_deferred(env, w->deferred, value);
  napi_delete_async_work(env, w->handle), free(w->data), free(w);
}

static napi_value transact(napi_env env, napi_callback_info info)
{
  napi_value promise, argument, name; napi_typedarray_type type;
  size_t count = 1, size = 0; void *bytes = NULL; char text[128] = "Cannot run the netns program: ";
  const char *flaw = "argument is not a Uint8Array";
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
      napi_get_typedarray_info(env, argument, &type, &size, &bytes, NULL, NULL) == napi_ok &&
      type == napi_uint8_array)
    flaw = program_flaw(bytes, size);
  if (flaw) return napi_throw_error(env, "EINVAL", strcat(text, flaw)), NULL;
  struct work *w = calloc(1, sizeof *w + size);
  if (w) w->present = w->socket = -1, w->program_size = size;
  if (w && size > 0) memcpy(w->program, bytes, size); /* a copy: the caller may change its own */
  if (w && napi_create_promise(env, &w->deferred, &promise) == napi_ok &&
      napi_create_string_utf8(env, "verbena", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_async_work(env, NULL, name, on_pool_thread, on_main_thread, w, &w->handle) == 0 &&
      napi_queue_async_work(env, w->handle) == napi_ok)
    return promise;
  free(w);
  return napi_throw_error(env, "ENOMEM", strcat(text, "out of memory")), NULL;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */)
{
  napi_property_descriptor property = {.utf8name = "transact", .method = transact};
  own_netns = own_netns < 0 ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : own_netns;
  return napi_define_properties(env, exports, 1, &property), exports;
}
