/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into an agent under test (LD_PRELOAD): counts the calls by which it changes the world
 * and ends it by SIGKILL right before one of them, or lets them fail as a disk would. Nothing of it
 * is in the product.
 *
 * MORTAL names a file of at least sizeof(struct control) bytes, shared with the test: see
 * test/scenarios/mortal.ts. Counted are messages to netlink that are no question, writes to files,
 * names that come and go, and what is sent to unix sockets. Integers are host-endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LABEL = 64, LABELS = 1000 };
static struct control {
  _Atomic uint32_t armed, count, kill_at;
  _Atomic uint32_t error; /* what changes fail with, an errno; 0: they succeed */
  char only[LABEL]; /* what a label must begin with to be counted */
  char labels[LABELS][LABEL];
} *control;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
  const char *path = getenv("MORTAL");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) control = at;
  close(fd);
}

/* One change of the world is about to happen. -1: it fails, errno says how. */
static int point(const char *what, const char *to)
{
  char label[LABEL];
  snprintf(label, sizeof label, "%s %s", what, to);
  if (strncmp(label, control->only, strlen(control->only)) != 0) return 0;
  uint32_t n = atomic_fetch_add(&control->count, 1) + 1;
  if (n <= LABELS) memcpy(control->labels[n - 1], label, LABEL);
  uint32_t error = atomic_load(&control->error);
  if (error != 0) return n < atomic_load(&control->kill_at) ? 0 : (errno = (int)error, -1);
  if (n != atomic_load(&control->kill_at)) return 0;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int armed(void) { return control && atomic_load(&control->armed); }

static int file_point(const char *what, int fd)
{
  char link[32], path[256];
  struct stat found;
  if (!armed() || fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  path[size < 0 ? 0 : size] = '\0';
  /* a setting of the kernel by its whole name, any other file by its own */
  const char *name = strncmp(path, "/proc/sys/", 10) == 0 ? path + 10 : strrchr(path, '/');
  return point(what, !name ? path : *name == '/' ? name + 1 : name);
}

static int path_point(const char *what, const char *path)
{
  const char *name = strrchr(path, '/');
  return armed() ? point(what, name ? name + 1 : path) : 0;
}

/* `data`, as much as is in one piece, goes to a socket. */
static int socket_point(int fd, const uint8_t *data, size_t size)
{
  int domain, protocol;
  socklen_t length = sizeof domain;
  char to[32];
  if (!armed() || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return 0;
  if (domain == AF_UNIX) {
    if (size < 5 || data[4] < 2 || data[4] > 4) return 0; /* the log is a socket, too */
    return point("frame", data[4] == 3 ? "result" : "run");
  }
  if (domain != AF_NETLINK || size < sizeof(struct nlmsghdr)) return 0;
  length = sizeof protocol;
  getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
  uint16_t type = ((const struct nlmsghdr *)data)->nlmsg_type;
  uint16_t flags = ((const struct nlmsghdr *)data)->nlmsg_flags;
  /* RTM_GET*: every fourth of a group of four, 2 of 0 to 3; a dump of any other family */
  if (protocol == NETLINK_ROUTE ? (type & 3) == 2 : (flags & NLM_F_DUMP) == NLM_F_DUMP) return 0;
  snprintf(to, sizeof to, "%d/%u", protocol, type);
  return point("netlink", to);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
  return socket_point(fd, data, size) ? -1 : REAL(send)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
  const struct iovec *first = msg->msg_iov;
  if (msg->msg_iovlen > 0 && socket_point(fd, first->iov_base, first->iov_len)) return -1;
  return REAL(sendmsg)(fd, msg, flags);
}

ssize_t write(int fd, const void *data, size_t size)
{
  if (file_point("write", fd) || socket_point(fd, data, size)) return -1;
  return REAL(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
  if (file_point("write", fd)) return -1;
  if (count > 0 && socket_point(fd, parts[0].iov_base, parts[0].iov_len)) return -1;
  return REAL(writev)(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
  return file_point("write", fd) ? -1 : REAL(pwrite64)(fd, data, size, at);
}

int ftruncate64(int fd, off64_t size)
{
  return file_point("cut", fd) ? -1 : REAL(ftruncate64)(fd, size);
}

int unlink(const char *path) { return path_point("unlink", path) ? -1 : REAL(unlink)(path); }

int rename(const char *from, const char *to)
{
  return path_point("rename to", to) ? -1 : REAL(rename)(from, to);
}

int link(const char *from, const char *to)
{
  return path_point("link", to) ? -1 : REAL(link)(from, to);
}

static int opening(const char *path, int flags, mode_t mode)
{
  return flags & O_CREAT && path_point("create", path) ? -1 : REAL(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opening(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opening(path, flags, mode);
}
