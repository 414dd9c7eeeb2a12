/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_TABLE_H
#define SYS_TABLE_H

#include "sys/request.h"

/* The number of a call in a table, -1 where it has none. */
int row_number(const char *name, enum abi abi);

/* The row of a call, or NULL. */
const struct row *row_find(enum abi abi, int nr);

#endif
