/*
 * Growing bytes and the primitives of a frame. Integers are little-endian on every machine; a str
 * is a u32 length in bytes and that many bytes. Nothing here uses stdio: it would double the time
 * that the shim takes to start.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

static const char OUT_OF_MEMORY[] =
    "{\"cniVersion\":\"1.1.0\",\"code\":5,\"msg\":\"Cannot run the CNI shim: out of memory\"}\n";

static _Noreturn void fail_of_memory(void)
{
  write_all(STDOUT_FILENO, OUT_OF_MEMORY, sizeof OUT_OF_MEMORY - 1);
  _exit(1);
}

void *allocate(size_t size)
{
  void *memory = malloc(size ? size : 1);
  if (!memory) fail_of_memory();
  return memory;
}

void bytes_reserve(struct bytes *b, size_t more)
{
  if (more <= b->room - b->size) return;
  if (more > SIZE_MAX / 4 - b->size) fail_of_memory();
  size_t room = b->room ? b->room : 1024;
  while (room < b->size + more) room *= 2;
  uint8_t *data = realloc(b->data, room);
  if (!data) fail_of_memory();
  b->data = data;
  b->room = room;
}

void put(struct bytes *b, const void *data, size_t size)
{
  if (size == 0) return;
  bytes_reserve(b, size);
  memcpy(b->data + b->size, data, size);
  b->size += size;
}

void put_text(struct bytes *b, const char *text)
{
  put(b, text, strlen(text));
}

void put_decimal(struct bytes *b, int64_t value)
{
  char digits[20];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  if (value < 0) put_text(b, "-");
  do digits[--at] = (char)('0' + rest % 10);
  while (rest /= 10);
  put(b, digits + at, sizeof digits - at);
}

static void store_u32(uint8_t *at, uint32_t value)
{
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

void put_u32(struct bytes *b, uint32_t value)
{
  uint8_t raw[4];
  store_u32(raw, value);
  put(b, raw, sizeof raw);
}

void put_u64(struct bytes *b, uint64_t value)
{
  put_u32(b, (uint32_t)value);
  put_u32(b, (uint32_t)(value >> 32));
}

void put_str(struct bytes *b, const void *data, size_t size)
{
  /* A size that does not fit makes the frame too long, which frame_end refuses. */
  put_u32(b, (uint32_t)size);
  put(b, data, size);
}

const char *text_of(struct bytes *b)
{
  bytes_reserve(b, 1);
  b->data[b->size] = '\0';
  return (const char *)b->data;
}

void frame_begin(struct bytes *b, enum frame_kind kind)
{
  uint8_t raw = (uint8_t)kind;
  put_u32(b, 0);
  put(b, &raw, 1);
}

bool frame_end(struct bytes *b)
{
  if (b->size - 4 > FRAME_MAX) return false;
  store_u32(b->data, (uint32_t)(b->size - 4));
  return true;
}

uint32_t take_u32(struct reader *r)
{
  if (r->bad || r->end - r->at < 4) {
    r->bad = true;
    return 0;
  }
  const uint8_t *at = r->at;
  r->at += 4;
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

struct span take_str(struct reader *r)
{
  size_t size = take_u32(r);
  if (r->bad || size > (size_t)(r->end - r->at)) {
    r->bad = true;
    return (struct span){NULL, 0};
  }
  const uint8_t *at = r->at;
  r->at += size;
  return (struct span){at, size};
}

char *take_text(struct reader *r)
{
  struct span span = take_str(r);
  char *text = allocate(span.size + 1);
  if (span.size > 0) memcpy(text, span.data, span.size);
  text[span.size] = '\0';
  if (strlen(text) != span.size) r->bad = true;
  return text;
}

bool write_all(int fd, const void *data, size_t size)
{
  const uint8_t *at = data;
  while (size > 0) {
    ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}
