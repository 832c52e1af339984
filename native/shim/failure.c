/*
 * The CNI error object (specification 1.1.0, section 5, "Error"), printed when the shim itself
 * cannot go on: {"cniVersion", "code", "msg", "details"} on standard output, exit status 1.
 */
#include <string.h>
#include <unistd.h>

#include "shim.h"

static void put_json(struct bytes *b, const char *text)
{
  static const char HEX[] = "0123456789abcdef";
  put_text(b, "\"");
  for (const char *at = text; *at; at++) {
    unsigned char c = (unsigned char)*at;
    if (c == '"' || c == '\\') put_text(b, "\\");
    /* Paths and names may hold any bytes, JSON only UTF-8. */
    if (c < 0x20) {
      const char escape[6] = {'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]};
      put(b, escape, sizeof escape);
    } else {
      put(b, c < 0x7f ? at : "?", 1);
    }
  }
  put_text(b, "\"");
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/*
 * The version to answer with: the first "cniVersion" of the configuration when its value is
 * digits and dots, else the newest. A scan, not a parser: an escaped key inside a string does not
 * match, because its closing quote has a backslash before it.
 */
static void put_version(struct bytes *b, const struct bytes *conf)
{
  static const char KEY[] = "\"cniVersion\"";
  char version[16] = "1.1.0";
  const uint8_t *end = conf->data ? conf->data + conf->size : NULL;
  const uint8_t *at = conf->data ? memmem(conf->data, conf->size, KEY, sizeof KEY - 1) : NULL;
  if (at) {
    at = skip_blanks(at + sizeof KEY - 1, end);
    if (at < end && *at == ':') at = skip_blanks(at + 1, end);
    size_t size = 0;
    if (at < end && *at == '"') {
      at++;
      while (at + size < end && size < sizeof version - 1 &&
             (at[size] == '.' || (at[size] >= '0' && at[size] <= '9')))
        size++;
    }
    if (size > 0 && at + size < end && at[size] == '"') {
      memcpy(version, at, size);
      version[size] = '\0';
    }
  }
  put_json(b, version);
}

_Noreturn void fail(const struct bytes *conf, int code, const char *msg, const char *details)
{
  struct bytes out = {0};
  put_text(&out, "{\"cniVersion\":");
  put_version(&out, conf);
  put_text(&out, ",\"code\":");
  put_decimal(&out, code);
  put_text(&out, ",\"msg\":");
  put_json(&out, msg);
  put_text(&out, ",\"details\":");
  put_json(&out, details);
  put_text(&out, "}\n");
  write_all(STDOUT_FILENO, out.data, out.size);
  _exit(1);
}
