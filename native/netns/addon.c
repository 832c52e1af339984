/*
 * netns.node: the Node-API addon. One export:
 *
 *   transact(program: Uint8Array): Promise<Uint8Array>
 *
 * executes a program on a thread of libuv's pool and never on the main thread; calls run side by
 * side and share nothing. The promise rejects with code EINVAL, before anything is executed, when
 * the program is malformed, and with ENOMEM when there is no memory for the result.
 *
 * Program: operations one after the other, without padding; integers little-endian.
 *
 *   u8 op; u8 flags; u16 zero; i32 netns; u32 arg; u32 length; length bytes
 *
 *   flags bit 0: go on after a failure of this operation
 *   netns: a descriptor of a network namespace, open in this process and kept open until the
 *          promise settles; -1: the thread's own
 *   op 1 netlink     arg = protocol (0 ROUTE, 12 NETFILTER, 20 RDMA); bytes = messages, sent with
 *                    one sendmsg; data = all messages received (netlink.c says until when)
 *   op 2 write file  arg = length of the path; bytes = path, content; written with one write, the
 *                    file must exist; no data
 *   op 3 read file   bytes = path; data = content; over 64 KiB: -EFBIG
 *   op 4 lock file   bytes = path, made if absent; data = descriptor (u32) that has the exclusive
 *                    flock until the caller closes it; -EWOULDBLOCK when somebody else has it
 *
 * Result, per operation: i32 status (0 or -errno), u32 length, length bytes of data. After a
 * failure without bit 0 the rest is not executed and has status -125 (ECANCELED).
 */
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

struct work {
  napi_async_work handle;
  napi_deferred deferred;
  struct result result;
  size_t size;
  uint8_t program[];
};

static napi_value make_error(napi_env env, const char *code, const char *text)
{
  napi_value code_value, message, error = NULL;
  if (napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value) == napi_ok &&
      napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) == napi_ok)
    napi_create_error(env, code_value, message, &error);
  return error;
}

static void reject(napi_env env, napi_deferred deferred, const char *code, const char *text)
{
  napi_value error = make_error(env, code, text);
  if (error) napi_reject_deferred(env, deferred, error);
}

static void on_pool_thread(napi_env env, void *data)
{
  struct work *work = data;
  (void)env;
  program_execute(work->program, work->size, &work->result);
}

static void on_main_thread(napi_env env, napi_status status, void *data)
{
  struct work *work = data;
  napi_value buffer, array;
  void *bytes;
  size_t size = work->result.size;
  if (status != napi_ok)
    reject(env, work->deferred, "ECANCELED", "Cannot run the netns program: it was cancelled");
  else if (work->result.failed ||
           napi_create_arraybuffer(env, size, &bytes, &buffer) != napi_ok ||
           napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &array) != napi_ok)
    reject(env, work->deferred, "ENOMEM", "Cannot return the netns result: out of memory");
  else {
    if (size > 0) memcpy(bytes, work->result.data, size);
    napi_resolve_deferred(env, work->deferred, array);
  }
  napi_delete_async_work(env, work->handle);
  free(work->result.data);
  free(work);
}

/* The bytes of the one argument; false when it is not a Uint8Array. */
static bool take_program(napi_env env, napi_callback_info info, uint8_t **bytes, size_t *size)
{
  napi_value argument;
  size_t count = 1;
  bool is_array = false;
  napi_typedarray_type type;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) return false;
  if (napi_is_typedarray(env, argument, &is_array) != napi_ok || !is_array) return false;
  if (napi_get_typedarray_info(env, argument, &type, size, &data, NULL, NULL) != napi_ok)
    return false;
  *bytes = data;
  return type == napi_uint8_array;
}

/* Hands a copy of the program to the pool: the caller may change its own at once. */
static bool queue(napi_env env, napi_deferred deferred, const uint8_t *bytes, size_t size)
{
  napi_value name;
  struct work *work = malloc(sizeof *work + size);
  if (!work) return false;
  *work = (struct work){.deferred = deferred, .size = size};
  if (size > 0) memcpy(work->program, bytes, size);
  if (napi_create_string_utf8(env, "verbena.transact", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_async_work(env, NULL, name, on_pool_thread, on_main_thread, work,
                             &work->handle) == napi_ok) {
    if (napi_queue_async_work(env, work->handle) == napi_ok) return true;
    napi_delete_async_work(env, work->handle);
  }
  free(work);
  return false;
}

static napi_value transact(napi_env env, napi_callback_info info)
{
  napi_deferred deferred;
  napi_value promise;
  uint8_t *bytes = NULL;
  size_t size = 0;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) return NULL;
  const char *flaw = "argument is not a Uint8Array";
  if (take_program(env, info, &bytes, &size)) flaw = program_flaw(bytes, size);
  if (flaw) {
    char text[128] = "Cannot run the netns program: ";
    strncat(text, flaw, sizeof text - strlen(text) - 1);
    reject(env, deferred, "EINVAL", text);
  } else if (!queue(env, deferred, bytes, size)) {
    reject(env, deferred, "ENOMEM", "Cannot run the netns program: out of memory");
  }
  return promise;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */)
{
  napi_value function;
  if (napi_create_function(env, "transact", NAPI_AUTO_LENGTH, transact, NULL, &function) ==
      napi_ok)
    napi_set_named_property(env, exports, "transact", function);
  return exports;
}
