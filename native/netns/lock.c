/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of whole files by flock(2), which Node lacks and other programs (host-local of the CNI
 * plugins) use. The lock belongs to the descriptor: closing it, or the end of the process, lets go.
 *
 * It is only tried, never waited for: a waiting operation would hold a thread of the pool that
 * the one who has the lock may need to let go of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "program.h"

int lock_file(const struct op *op, struct result *result)
{
  char path[PATH_MAX];
  memcpy(path, op->bytes, op->size);
  path[op->size] = '\0';
  uint8_t *room = result_room(result, 4);
  if (!room) return -ENOMEM;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  for (int i = 0; i < 4; i++) room[i] = (uint8_t)((uint32_t)fd >> 8 * i);
  result->size += 4;
  return 0;
}
