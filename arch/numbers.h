/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VU_ARCH_NUMBERS_H
#define VU_ARCH_NUMBERS_H

/*
 * Calls that are younger than the headers of Debian 12. From 424 on all
 * tables of all architectures have the same numbers.
 */
#include <sys/syscall.h>

#ifndef __NR_fchmodat2
#define __NR_fchmodat2		452
#endif
#ifndef __NR_statmount
#define __NR_statmount		457
#define __NR_listmount		458
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat		463
#define __NR_getxattrat		464
#define __NR_listxattrat	465
#define __NR_removexattrat	466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr	467
#endif
#ifndef __NR_file_getattr
#define __NR_file_getattr	468
#define __NR_file_setattr	469
#endif

#define ARCH_COMPAT_IO_URING_SETUP 425

#endif
