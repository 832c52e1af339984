/*
 * What the files of the CNI shim share: growing bytes, frames, the failure that ends a call, and
 * the three stages of one (main.c reads it, agent.c talks, foreign.c runs a plugin of another
 * vendor). The frames are described in main.c.
 */
#ifndef VERBENA_SHIM_H
#define VERBENA_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a frame after its length field, of standard input too. */
#define FRAME_MAX (16u << 20)

enum frame_kind { FRAME_REQUEST = 1, FRAME_RAN = 2, FRAME_RESULT = 3, FRAME_RUN = 4 };

/* CNI error codes (specification 1.1.0, section 5). */
enum cni_code {
  CNI_INVALID_ENVIRONMENT = 4,
  CNI_IO_FAILURE = 5,
  CNI_UNDECODABLE = 6,
  CNI_TRY_AGAIN_LATER = 11,
  CNI_NOT_AVAILABLE = 50,
};

/* Bytes that grow. Running out of memory ends the process with a CNI error. */
struct bytes {
  uint8_t *data;
  size_t size, room;
};

void bytes_reserve(struct bytes *b, size_t more);
void put(struct bytes *b, const void *data, size_t size);
void put_text(struct bytes *b, const char *text); /* no length, no NUL */
void put_decimal(struct bytes *b, int64_t value);
void put_u32(struct bytes *b, uint32_t value);
void put_u64(struct bytes *b, uint64_t value);
void put_str(struct bytes *b, const void *data, size_t size);
const char *text_of(struct bytes *b); /* NUL-terminated, valid until the next put */

/* Starts a frame in empty bytes; frame_end writes its length, false when it is over FRAME_MAX. */
void frame_begin(struct bytes *b, enum frame_kind kind);
bool frame_end(struct bytes *b);

/* Reads a payload; `bad` is set by whatever runs past its end, and stays set. */
struct reader {
  const uint8_t *at, *end;
  bool bad;
};
struct span {
  const uint8_t *data;
  size_t size;
};

uint32_t take_u32(struct reader *r);
struct span take_str(struct reader *r);
char *take_text(struct reader *r); /* a str as an allocated C string; a NUL inside is bad */

/*
 * malloc that ends the process with a CNI error instead of returning NULL. What is small and made
 * once a call is not freed: the process ends with the call.
 */
void *allocate(size_t size);
bool write_all(int fd, const void *data, size_t size);

/* One call of this plugin. */
struct call {
  const char *name;    /* last component of argv[0] */
  const char *command; /* CNI_COMMAND */
  const char *socket;  /* path of the agent's socket, at most 107 bytes */
  int64_t bound_ms;    /* how long to do without the agent */
  bool is_status;
  struct bytes conf; /* standard input */
};

/* Prints a CNI error object on standard output and exits with 1. */
_Noreturn void fail(const struct bytes *conf, int code, const char *msg, const char *details);

/* Sends the request, runs what the agent asks for, prints the result; returns the exit status. */
int ask_agent(const struct call *call, const struct bytes *request);

/* Executes the plugin that a `run` payload names and appends `ran`; false: malformed payload. */
bool run_foreign(struct reader payload, struct bytes *ran);

#endif
