/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_X86_64_NAMES_H
#define ARCH_X86_64_NAMES_H

/* Room for names.S in a guest; what is shared (lib/plain.h) comes after it. */
#define ARCH_NAMES_SIZE	0x1000

#endif
