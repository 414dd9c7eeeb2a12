/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_MODPATH_H
#define VIEW_MODPATH_H

#include <stddef.h>

/*
 * Where modules are looked for, in this order: the name as it is when it
 * has a slash; $VU_MODULE_PATH (colons); $XDG_DATA_HOME/../lib/vu, that is
 * ~/.local/lib/vu; ../lib/vu beside the monitor's own directory (the build
 * tree and any PREFIX); the directory that was configured.
 * @file: out: the first that exists and can be read
 * Return: 0 or -ENOENT
 */
int module_file(const char *name, char *file, size_t size);

#endif
