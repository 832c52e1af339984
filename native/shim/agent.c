/*
 * The conversation with the agent: connect, send the request, run what it asks for, print the
 * result. Frames are described in main.c.
 *
 * The bound counts from the start of the call and, once, again from the moment a connection
 * breaks before its result: the request is idempotent, so it is sent again. Only once, or an agent
 * that dies of this request would keep the caller for ever. While a connection stands there is no
 * bound on the answer (the runtime has its own), except for STATUS, which must not hold it up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

enum { FIRST_PAUSE_MS = 20, LAST_PAUSE_MS = 250 };

/* How a conversation ended. SILENT: a socket timeout ran out; BROKEN: closed before the result. */
enum outcome { ANSWERED, BROKEN, SILENT, MALFORMED };

struct conversation {
  const struct call *call;
  const struct bytes *request;
  int64_t deadline_ms;
  const char *step; /* what was tried last, and its errno (0: the other side closed) */
  int error;
  int exit_status;
};

static int64_t now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int64_t ms)
{
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

static int64_t left_ms(const struct conversation *c)
{
  int64_t left = c->deadline_ms - now_ms();
  return left > 0 ? left : 0;
}

/* A full backlog makes connect() wait, an agent that does not read makes send() wait: both end. */
static void bound_socket(int fd, const struct conversation *c)
{
  int64_t ms = left_ms(c) > 0 ? left_ms(c) : 1;
  struct timeval t = {ms / 1000, ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  if (c->call->is_status) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static int connect_agent(struct conversation *c)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, c->call->socket, strlen(c->call->socket) + 1);
  c->step = "connect";
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    bound_socket(fd, c);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
  }
  c->error = errno;
  if (fd >= 0) close(fd);
  return -1;
}

static enum outcome broken(struct conversation *c, const char *step, int error)
{
  c->step = step;
  c->error = error;
  return error == EAGAIN ? SILENT : BROKEN;
}

static enum outcome send_frame(struct conversation *c, int fd, const struct bytes *frame)
{
  return write_all(fd, frame->data, frame->size) ? ANSWERED : broken(c, "send", errno);
}

static enum outcome receive(struct conversation *c, int fd, uint8_t *to, size_t size)
{
  while (size > 0) {
    ssize_t n = recv(fd, to, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return broken(c, "receive", n < 0 ? errno : 0);
    to += n;
    size -= (size_t)n;
  }
  return ANSWERED;
}

/* Replaces `frame` with the next frame of the agent, without its length. */
static enum outcome receive_frame(struct conversation *c, int fd, struct bytes *frame)
{
  uint8_t head[4];
  enum outcome outcome = receive(c, fd, head, sizeof head);
  if (outcome != ANSWERED) return outcome;
  struct reader reader = {head, head + sizeof head, false};
  uint32_t size = take_u32(&reader);
  if (size < 1 || size > FRAME_MAX) return MALFORMED;
  frame->size = 0;
  bytes_reserve(frame, size);
  frame->size = size;
  return receive(c, fd, frame->data, size);
}

static enum outcome print_result(struct conversation *c, struct reader payload)
{
  int32_t status = (int32_t)take_u32(&payload);
  struct span out = take_str(&payload);
  if (payload.bad || payload.at != payload.end) return MALFORMED;
  /* exit() keeps eight bits only: a failure must not become a success. */
  c->exit_status = status != 0 && (status & 0xff) == 0 ? 1 : status & 0xff;
  if (!write_all(STDOUT_FILENO, out.data, out.size)) c->exit_status = 1;
  return ANSWERED;
}

static enum outcome run_and_report(struct conversation *c, int fd, struct reader payload)
{
  struct bytes ran = {0};
  frame_begin(&ran, FRAME_RAN);
  bool well_formed = run_foreign(payload, &ran) && frame_end(&ran);
  enum outcome outcome = well_formed ? send_frame(c, fd, &ran) : MALFORMED;
  free(ran.data);
  return outcome;
}

static enum outcome converse(struct conversation *c, int fd)
{
  struct bytes frame = {0};
  enum outcome outcome = send_frame(c, fd, c->request);
  while (outcome == ANSWERED) {
    outcome = receive_frame(c, fd, &frame);
    if (outcome != ANSWERED) break;
    struct reader payload = {frame.data + 1, frame.data + frame.size, false};
    bool last = frame.data[0] == FRAME_RESULT;
    if (last) outcome = print_result(c, payload);
    else outcome = frame.data[0] == FRAME_RUN ? run_and_report(c, fd, payload) : MALFORMED;
    if (last) break;
  }
  free(frame.data);
  return outcome;
}

static _Noreturn void fail_unanswered(const struct conversation *c)
{
  struct bytes msg = {0}, details = {0};
  put_text(&msg, "Verbena agent does not answer on ");
  put_text(&msg, c->call->socket);
  put_text(&details, "waited ");
  put_decimal(&details, c->call->bound_ms);
  put_text(&details, " ms, last: ");
  put_text(&details, c->step);
  put_text(&details, ": ");
  if (c->error == EAGAIN) put_text(&details, "timed out");
  else put_text(&details, c->error ? strerror(c->error) : "connection closed before the result");
  int code = c->call->is_status ? CNI_NOT_AVAILABLE : CNI_TRY_AGAIN_LATER;
  fail(&c->call->conf, code, text_of(&msg), text_of(&details));
}

static _Noreturn void fail_malformed(const struct conversation *c)
{
  struct bytes msg = {0};
  put_text(&msg, "Cannot understand the Verbena agent on ");
  put_text(&msg, c->call->socket);
  put_text(&msg, ": malformed frame");
  int code = c->call->is_status ? CNI_NOT_AVAILABLE : CNI_TRY_AGAIN_LATER;
  fail(&c->call->conf, code, text_of(&msg), "shim and agent are of different versions, or "
       "something else listens on the socket");
}

int ask_agent(const struct call *call, const struct bytes *request)
{
  struct conversation c = {.call = call, .request = request};
  int64_t pause = FIRST_PAUSE_MS;
  bool broke = false;
  c.deadline_ms = now_ms() + call->bound_ms;
  for (;;) {
    int fd = connect_agent(&c);
    if (fd >= 0) {
      enum outcome outcome = converse(&c, fd);
      close(fd);
      if (outcome == ANSWERED) return c.exit_status;
      if (outcome == MALFORMED) fail_malformed(&c);
      if (outcome == BROKEN && !broke) {
        broke = true;
        c.deadline_ms = now_ms() + call->bound_ms;
        pause = FIRST_PAUSE_MS;
      }
    }
    int64_t left = left_ms(&c);
    if (left == 0) fail_unanswered(&c);
    pause_ms(pause < left ? pause : left);
    pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
  }
}
