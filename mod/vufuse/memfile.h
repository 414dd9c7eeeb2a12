/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_MEMFILE_H
#define VUFUSE_MEMFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * A memfd that is known by one descriptor of ours, open for reading only.
 * All of this is done as ourselves, whoever is being served. Two threads
 * must not be here with the same one.
 */

/* An empty one with mode 0600. Return: the descriptor or -errno */
int memfile_new(const char *name);

/*
 * Another description of the same file; flags as for open(2) without those
 * that are about names and truncation. The mode does not hinder.
 */
int memfile_open(int fd, int flags);
/* -EFBIG where the kernel would send us a signal: also memfile_write(). */
int memfile_resize(int fd, off_t size);
/* All of it; w: open for writing. */
int memfile_write(int w, const void *buf, size_t len, off_t off);
int memfile_mode(int fd, mode_t mode);
int memfile_times(int fd, const struct timespec times[2]);

/*
 * Has anybody else it open, or mapped; for writing? "Yes" where the kernel
 * grants no leases at all.
 */
bool memfile_opened(int fd);
bool memfile_writable(int fd);

#endif
