/*
 * One exchange over a netlink socket: nlmsghdr is u32 length, u16 type, u16 flags, u32 sequence,
 * u32 port, host-endian; messages are aligned to 4 bytes. Sequence numbers and contents are the
 * caller's. Spec: RFC 3549, Linux Documentation/userspace-api/netlink/intro.rst.
 *
 * How many answers to wait for: one for each message with NLM_F_ACK, and one for each without it
 * that asks for a dump (both bits of NLM_F_DUMP; on a NEW request the same bits are REPLACE and
 * EXCL, and such requests carry NLM_F_ACK). The kernel queues every answer of a request before
 * sendmsg returns, and the next part of a dump before recv returns. So an empty queue after an
 * error means that nothing more comes: a refused nf_tables batch answers once for all its
 * messages. It also means that draining the queue leaves the socket clean for the next exchange.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "program.h"

enum {
  RECEIVE_TIMEOUT_S = 10,
  RECEIVE_ROOM = 256 << 10,
  /* Each acknowledgement takes about 1 KiB of the queue: the default holds some 200 only. */
  SOCKET_BUFFER = 8 << 20,
};

static bool next_message(const uint8_t **at, const uint8_t *end, struct nlmsghdr *head)
{
  size_t left = (size_t)(end - *at);
  if (left < sizeof *head) return false;
  memcpy(head, *at, sizeof *head);
  if (head->nlmsg_len < sizeof *head || head->nlmsg_len > left) return false;
  size_t step = NLMSG_ALIGN(head->nlmsg_len);
  *at += step < left ? step : left;
  return true;
}

const char *netlink_flaw(const uint8_t *bytes, size_t size)
{
  const uint8_t *at = bytes, *end = bytes + size;
  struct nlmsghdr head;
  if (size == 0) return "netlink: no message";
  while (at < end)
    if (!next_message(&at, end, &head)) return "netlink: message length does not fit";
  return NULL;
}

static size_t count_expected(const struct op *op)
{
  const uint8_t *at = op->bytes;
  struct nlmsghdr head;
  size_t count = 0;
  while (next_message(&at, op->bytes + op->size, &head))
    count += (head.nlmsg_flags & NLM_F_ACK) || (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  return count;
}

static void set_option(int fd, int level, int name, int value)
{
  /* Without an option the exchange is poorer, not wrong: extended errors, shorter answers. */
  setsockopt(fd, level, name, &value, sizeof value);
}

int netlink_open(uint32_t protocol)
{
  struct timeval timeout = {RECEIVE_TIMEOUT_S, 0};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);
  if (fd < 0) return -errno;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  set_option(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  int buffer = SOCKET_BUFFER; /* without privilege as much as net.core.rmem_max allows */
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
    set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
  return fd;
}

/* Sums the terminators among the messages of one datagram; the first error goes to `status`. */
static size_t count_answers(const uint8_t *at, size_t size, int *status)
{
  const uint8_t *end = at + size, *start = at;
  struct nlmsghdr head;
  size_t count = 0;
  for (; next_message(&at, end, &head); start = at) {
    int32_t error = 0;
    if (head.nlmsg_type != NLMSG_ERROR && head.nlmsg_type != NLMSG_DONE) continue;
    count++;
    if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof error)
      memcpy(&error, start + NLMSG_HDRLEN, sizeof error);
    if (*status == 0 && error < 0) *status = error;
  }
  return count;
}

static int receive_answers(int fd, size_t expected, struct result *result, bool *unusable)
{
  size_t answers = 0;
  int status = 0;
  for (;;) {
    bool wait = answers < expected && status == 0;
    uint8_t *room = result_room(result, RECEIVE_ROOM);
    ssize_t n = -1;
    if (room) n = recv(fd, room, RECEIVE_ROOM, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    if (room && n < 0 && errno == EINTR) continue;
    if (room && n < 0 && errno == EAGAIN && !wait) return status;
    if (!room || n < 0 || n > RECEIVE_ROOM) {
      *unusable = true;
      if (status != 0) return status;
      if (!room) return -ENOMEM;
      if (n > RECEIVE_ROOM) return -EMSGSIZE;
      return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    answers += count_answers(room, (size_t)n, &status);
    result->size += (size_t)n;
  }
}

int netlink_transact(int fd, const struct op *op, struct result *result, bool *unusable)
{
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct iovec part = {(void *)op->bytes, op->size};
  struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &part,
                           .msg_iovlen = 1};
  /* A datagram has to fit into the send buffer as a whole. */
  if (op->size > 64 << 10) set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)op->size + 4096);
  ssize_t sent;
  do sent = sendmsg(fd, &message, 0);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    *unusable = true;
    return -errno;
  }
  return receive_answers(fd, count_expected(op), result, unusable);
}
