/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of this architecture. */
#ifndef VU_ARCH_ARCH_H
#define VU_ARCH_ARCH_H

#if defined(__x86_64__)
#include "arch/x86_64/arch.h"
#else
#error "arch/x86_64 is the only architecture so far; another is another folder"
#endif

#endif
