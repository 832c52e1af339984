/*
 * What the files of the netns addon share: a checked program, the result that grows while it is
 * executed, and the netlink operation. The format of both is described in addon.c.
 */
#ifndef VERBENA_PROGRAM_H
#define VERBENA_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_kind { OP_NETLINK = 1, OP_WRITE_FILE = 2, OP_READ_FILE = 3, OP_LOCK_FILE = 4 };
enum { GO_ON_AFTER_FAILURE = 1 };

struct op {
  uint8_t kind, flags;
  int32_t netns; /* descriptor, -1: the thread's own */
  uint32_t arg, size;
  const uint8_t *bytes;
};

/* Bytes that grow; `failed` is set when memory ran out, and nothing is added then. */
struct result {
  uint8_t *data;
  size_t size, room;
  bool failed;
};

/* NULL when the whole program is well-formed, else what is wrong with it. */
const char *program_flaw(const uint8_t *program, size_t size);

/* Executes a program without flaw. Call it on a pool thread only: it enters other namespaces. */
void program_execute(const uint8_t *program, size_t size, struct result *result);

/* Room for `more` bytes behind the data, NULL when there is no memory. */
uint8_t *result_room(struct result *result, size_t more);

/* Takes the lock of a file: 0 and its descriptor as data, -EWOULDBLOCK when somebody has it. */
int lock_file(const struct op *op, struct result *result);

/* NULL when bytes are netlink messages one after the other, else what is wrong with them. */
const char *netlink_flaw(const uint8_t *bytes, size_t size);

/* A socket in the thread's present namespace, or -errno. */
int netlink_open(uint32_t protocol);

/*
 * Sends all messages at once and appends every answer. Returns 0 or the first error of the
 * kernel's answers; `unusable` is set when the socket itself failed and must not be used again.
 */
int netlink_transact(int fd, const struct op *op, struct result *result, bool *unusable);

#endif
