/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls by name, made natively where the name is plain (lib/plain.c).
 *
 * This runs in guests: it is copied behind the slots of their gates, and may
 * use nothing but what is there. A slot comes with eax = the number of the
 * call, ecx = the state of the gate (not PLAIN_OPEN), r11 = two addresses,
 * to ask: the site's own `syscall`, and behind it. It leaves by one of them,
 * with all registers as they were but rax, rcx, r11 and the flags, which no
 * site has anything in: a compiler takes all of them for lost in a call.
 * Below the stack pointer 128 bytes are the function's own.
 *
 * What a guest passes may be nonsense, and must come to be EFAULT. So nothing
 * is read by its pointers that the kernel has not read just before:
 *
 *  - stat and the like change nothing, so they are made first. Only then it is
 *    looked at the name, and if that is not plain, the monitor is asked, whose
 *    answer replaces what was told.
 *  - an opening may have effects (FIFOs, devices). There the name is looked
 *    at first, page by page as rt_sigprocmask(nonsense) says that they can
 *    be read, which fails before it does anything.
 *
 * Where a move is on the way (lib/plain.h), all that is found out by the name
 * as it is: then the call is made once more by the kernel's name. Of several
 * moves the last one counts, which has the name of all above it.
 *
 * What would remove or rename something is never made here. But of a directory
 * that is all there is under its name (MOVE_ALONE) it can be told that there is
 * nothing to be removed: that is what most installers begin with.
 *
 * What a signal interrupts here is restarted here, or gone on with: the
 * kernel keeps all registers. rsp is moved before anything is put below.
 */
#include <asm/unistd_64.h>
#include "lib/plain.h"
#include "arch/x86_64/names.h"

#include "arch/x86_64/names_frame.h"

/* What is (edi, rsi) itself? To ROOM; rax: what the kernel said */
	.macro	look
	lea	ROOM(%rsp), %rdx
	mov	$AT_SYMLINK_NOFOLLOW, %r10d
	mov	$__NR_newfstatat, %eax
	syscall
	.endm

	.section .rodata
	.globl	arch_names, arch_names_end, arch_names_entry
	.hidden	arch_names, arch_names_end, arch_names_entry
	.balign	64
arch_names:
/* Of this process alone: not 0 when other calls in a call's place may harm. */
own_word:
	.quad	0

ask:
	jmp	*(%r11)

enter_frame:
	cmpq	$0, own_word(%rip)
	jne	ask
	lea	-FRAME(%rsp), %rsp
	mov	%rdi, RDI(%rsp)
	mov	%rsi, RSI(%rsp)
	mov	%rdx, RDX(%rsp)
	mov	%r10, R10(%rsp)
	mov	%r8, R8_(%rsp)
	mov	%r9, R9_(%rsp)
	mov	%rbx, RBX(%rsp)
	mov	%rax, NR(%rsp)
	mov	%r11, SLOT(%rsp)
	movq	$0, ROUND(%rsp)
	jmp	*%rcx

leave_asking:
	restore
	mov	SLOT(%rsp), %r11
	mov	NR(%rsp), %rax
	lea	FRAME(%rsp), %rsp
	jmp	*(%r11)

/* with what the kernel said last, or before that */
leave_with_rax:
	mov	%rax, RESULT(%rsp)
leave_with_result:
	restore
	mov	SLOT(%rsp), %r11
	mov	RESULT(%rsp), %rax
	lea	FRAME(%rsp), %rsp
	jmp	*8(%r11)

#include "arch/x86_64/names_scan.h"

/* --- stat, lstat, newfstatat, statx --- */

/* stat(path, buf): by lstat, which shows whether a symlink is there. */
do_stat:
	enter
	movq	$0, NOFOLLOW(%rsp)
	jmp	1f
do_lstat:
	enter
	movq	$1, NOFOLLOW(%rsp)
1:	again	RDI
	mov	$__NR_lstat, %eax
	syscall
	lea	STAT_MODE(%rsi), %r8
	mov	%rdi, %rsi
	mov	$AT_FDCWD, %edi
	jmp	was_told

/* newfstatat(dirfd, path, buf, flags) */
do_newfstatat:
	enter
	again	RSI
	cmp	$AT_EMPTY_PATH, %r10d
	je	tell_of_fd
	test	$~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT), %r10d
	jnz	leave_asking
	mov	%r10d, %eax
	and	$AT_SYMLINK_NOFOLLOW, %eax
	mov	%rax, NOFOLLOW(%rsp)
	or	$AT_SYMLINK_NOFOLLOW, %r10d
	mov	$__NR_newfstatat, %eax
	syscall
	lea	STAT_MODE(%rdx), %r8
	jmp	was_told

/* statx(dirfd, path, flags, mask, buf) */
do_statx:
	enter
	again	RSI
	test	$~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE), %edx
	jnz	leave_asking
	mov	%edx, %eax
	and	$AT_SYMLINK_NOFOLLOW, %eax
	mov	%rax, NOFOLLOW(%rsp)
	jnz	1f
	test	$STATX_TYPE, %r10b
	jz	leave_asking
1:	or	$AT_SYMLINK_NOFOLLOW, %edx
	mov	$__NR_statx, %eax
	syscall
	lea	STATX_MODE(%r8), %r8

/* edi, rsi: the name; r8: where its mode is; rax: what the kernel said */
was_told:
	mov	%r8, MODE(%rsp)
	judge	told_by_name
	mov	MODE(%rsp), %rcx
	movzwl	(%rcx), %eax
	ask_if_symlink

/* A file of several names is known by its number, whatever it is called. */
told_by_name:
	cmpq	$0, RESULT(%rsp)
	jne	leave_with_result
	mov	MODE(%rsp), %rcx
	cmpq	$__NR_statx, NR(%rsp)
	je	1f
	lea	-STAT_MODE(%rcx), %rsi
	jmp	told_stat
1:	shared	%rdx
	mov	STATX_DEV - STATX_MODE(%rcx), %rax
	cmp	PLAIN_DEVICE_X(%rdx), %rax
	je	leave_asking
	mov	STATX_INO - STATX_MODE(%rcx), %r8
	jmp	told_number

/* newfstatat(fd, "", buf, AT_EMPTY_PATH), as C libraries make fstat() */
tell_of_fd:
	shared	%rcx
	cmpl	$0, PLAIN_ASK_MADE(%rcx)
	jne	leave_asking
	test	%rsi, %rsi
	jz	leave_asking
	test	%edi, %edi
	js	leave_asking
	mov	$__NR_newfstatat, %eax
	syscall
	mov	%rax, RESULT(%rsp)
	test	%rax, %rax
	jnz	leave_asking
	cmpb	$0, (%rsi)
	jne	leave_asking
	mov	%rdx, %rsi

/* rsi: what was told; it begins with the device */
told_stat:
	shared	%rdx
	mov	(%rsi), %rax
	cmp	PLAIN_DEVICE(%rdx), %rax
	je	leave_asking
	mov	STAT_INO(%rsi), %r8

/* r8: the number of what was told of */
told_number:
	call	number_marked
	jc	leave_asking
	jmp	leave_with_result

/* fstat(fd, buf) */
do_fstat:
	enter
	shared	%rcx
	cmpl	$0, PLAIN_ASK_MADE(%rcx)
	jne	leave_asking
	syscall
	mov	%rax, RESULT(%rsp)
	test	%rax, %rax
	jnz	leave_asking
	jmp	told_stat

/* --- what goes by descriptor alone --- */

do_fd:
	cmp	$PLAIN_STATE_NAMES, %ecx
	jne	ask
	shared	%rcx
	cmpl	$0, PLAIN_ASK_FD(%rcx)
	jne	ask
1:	lea	-144(%rsp), %rsp
	mov	%r11, (%rsp)
	syscall
	mov	(%rsp), %r11
	lea	144(%rsp), %rsp
	jmp	*8(%r11)

/* fsync and the like: what is real, wherever it is, the kernel stores. */
do_sync:
	cmp	$PLAIN_STATE_NAMES, %ecx
	jne	ask
	shared	%rcx
	cmpl	$0, PLAIN_ASK_MADE(%rcx)
	jne	ask
	jmp	1b

/* getdents(fd, buf, size): is there a difference to what the kernel tells? */
do_getdents:
	enter
	shared	%rcx
	mov	PLAIN_ASK_ALL(%rcx), %eax
	or	PLAIN_ASK_MADE(%rcx), %eax
	or	PLAIN_ASK_DIRFD(%rcx), %eax
	or	PLAIN_ASK_OPENING(%rcx), %eax
	jnz	leave_asking
	lea	ROOM(%rsp), %rsi
	mov	$__NR_fstat, %eax
	syscall
	test	%rax, %rax
	jnz	leave_asking
	mov	ROOM + STAT_INO(%rsp), %r8
	call	number_marked
	jc	leave_asking
	jmp	make_it

/* --- access, faccessat, faccessat2; getxattr, listxattr, statfs --- */

do_by_node:
	enter
	movq	$1, NOFOLLOW(%rsp)
	jmp	2f
do_access:
	enter
	movq	$0, NOFOLLOW(%rsp)
2:	again	RDI
	mov	%rdi, %rsi
	mov	$AT_FDCWD, %edi
	jmp	by_node
do_faccessat2:
	enter
	movq	$0, NOFOLLOW(%rsp)
	test	$~AT_EACCESS, %r10d
	jnz	leave_asking
	jmp	1f
do_faccessat:
	enter
	movq	$0, NOFOLLOW(%rsp)
1:	again	RSI
by_node:
	shared	%rcx
	cmpl	$0, PLAIN_ASK_ACCESS(%rcx)
	jne	leave_asking
	look
	judge	by_number
	mov	ROOM + STAT_MODE(%rsp), %eax
	ask_if_symlink
by_number:				/* one of several names is not marked */
	cmpq	$0, RESULT(%rsp)
	jne	make_it
	mov	ROOM + STAT_INO(%rsp), %r8
	call	number_marked
	jc	leave_asking
make_it:
	restore
	cmpq	$0, ROUND(%rsp)
	je	1f
	mov	MOVE(%rsp), %rcx
	cmpl	$0, MOVE_FLAGS(%rcx)
	jne	leave_asking
	call	put_other_name
1:	mov	NR(%rsp), %rax
	syscall
	jmp	leave_with_rax

/* --- rmdir, unlink, rename: of nothing --- */

do_rename:
	enter
	shared	%rcx
	cmpl	$0, PLAIN_ALONE(%rcx)
	je	leave_asking
	call	same_directory
	test	%eax, %eax
	jnz	leave_asking
	restore
	jmp	1f
do_remove:
	enter
	shared	%rcx
	cmpl	$0, PLAIN_ALONE(%rcx)
	je	leave_asking
1:	again	RDI
	mov	%rdi, %rsi
	mov	$AT_FDCWD, %edi
	look
	cmpq	$0, ROUND(%rsp)
	jne	3f
	judge_name
	jmp	leave_asking		/* it is not moved */
3:	cmp	$-ENOENT, %rax
	jne	leave_asking
	mov	MOVE(%rsp), %rcx
	testl	$MOVE_ALONE, MOVE_FLAGS(%rcx)
	jnz	leave_with_rax
	jmp	leave_asking

/* Does what the text at rsi stands in end there? edi: of how many bytes */
last_name:
	xor	%edi, %edi
1:	movzbl	(%rsi), %eax
	cmp	$'/', %al
	je	no
	test	%al, %al
	jz	yes
	inc	%edi
	inc	%rsi
	test	$4095, %esi
	jnz	1b
	call	probe
	je	1b
	jmp	no

/*
 * Are the names at rdi and rsi different ones of one directory, by its absolute
 * name? The latter is one that can be given (".": not looked at). eax 0: yes
 */
same_directory:
	mov	%rsi, %r9
	mov	%rdi, %rsi
	call	probe
	jne	no
	xchg	%rsi, %r9
	call	probe
	jne	no
	xchg	%rsi, %r9
	xor	%r10d, %r10d
1:	movzbl	(%rsi), %eax
	cmp	(%r9), %al
	jne	3f
	test	%al, %al
	jz	no
	inc	%rsi
	inc	%r9
	cmp	$'/', %al
	jne	2f
	mov	%rsi, %r10		/* the last name begins */
2:	test	$4095, %esi
	jnz	2f
	call	probe
	jne	no
2:	test	$4095, %r9d
	jnz	1b
	xchg	%rsi, %r9
	call	probe
	jne	no
	xchg	%rsi, %r9
	jmp	1b
3:	test	%r10, %r10
	jz	no
	sub	%rsi, %r10		/* from where they differ */
	cmpb	$'.', (%r9, %r10)
	je	no
	call	last_name
	test	%eax, %eax
	jnz	no
	mov	%r9, %rsi
	call	last_name
	test	%eax, %eax
	jnz	no
	sub	%r10, %rdi
	dec	%rdi
	cmp	$255, %rdi		/* 1 to 255 bytes */
	jae	no
	sub	8 + RSI(%rsp), %rsi
	cmp	$4096, %rsi
	jae	no
	jmp	yes

/* --- readlink, readlinkat --- */

do_readlink:
	enter
	again	RDI
	test	%edx, %edx
	jle	leave_asking
	mov	NR(%rsp), %rax
	syscall
	mov	%rdi, %rsi
	mov	$AT_FDCWD, %edi
	jmp	1f
do_readlinkat:
	enter
	again	RSI
	test	%r10d, %r10d
	jle	leave_asking
	mov	NR(%rsp), %rax
	syscall
1:	test	%rax, %rax
	jle	1f
	movzbl	(%rsi), %ecx		/* "3" may be that of /proc/self/fd */
	sub	$'0', %ecx
	cmp	$9, %ecx
	jbe	leave_asking
1:	judge_name EINVAL
	jmp	leave_with_result

/* --- open, openat, to read --- */

do_open:
	enter
	mov	%esi, %edx
	mov	%rdi, %rsi
	mov	$AT_FDCWD, %edi
	jmp	1f
do_openat:
	enter
1:	test	$~O_KNOWN, %edx
	jnz	leave_asking
	shared	%rcx
	cmpl	$0, PLAIN_ASK_OPENING(%rcx)
	jne	leave_asking
	test	$O_DIRECTORY, %edx
	jz	1f
	mov	PLAIN_ASK_DIRFD(%rcx), %eax	/* it may be known by another name */
	or	PLAIN_ASK_MOVED(%rcx), %eax
	jnz	leave_asking
1:	mov	%edx, %edx
	mov	%rdx, HOW(%rsp)
	movq	$0, HOW + 8(%rsp)
	movq	$RESOLVE_NO_SYMLINKS, HOW + 16(%rsp)
	mov	%rdi, DIRFD(%rsp)
	mov	%rsi, PATH(%rsp)
	mov	$LOOK_FIRST, %ebx
	call	scan
	test	%eax, %eax
	jnz	leave_asking
	test	$MOVED, %bl
	jnz	open_moved
	test	$RELATIVE, %bl
	jz	1f
	shared	%rcx
	cmpl	$0, PLAIN_ASK_MOVED(%rcx)
	jne	open_marked
1:	mov	DIRFD(%rsp), %rdi
	mov	PATH(%rsp), %rsi
	lea	HOW(%rsp), %rdx
	mov	$HOW_SIZE, %r10d
	mov	$__NR_openat2, %eax
	syscall
	ask_if_error ELOOP
	ask_if_error EFAULT
	ask_if_error EINVAL
	ask_if_error ENOSYS
	ask_if_error EPERM
	ask_if_error EACCES		/* a module may open what is shut */
	jmp	leave_with_rax

/*
 * By the kernel's name, or from a directory that may be a moved one. Only a
 * regular file: of a directory the monitor has to know by what name it was
 * opened. Of a file it is asked seldom, and then sees a mark in it
 * (sys/moved.c).
 */
open_moved:
	mov	DIRFD(%rsp), %rdi
	mov	PATH(%rsp), %rsi
	look
	ask_if_error EACCES
	call	other_name
	test	%eax, %eax
	jnz	leave_asking
	movq	$AT_FDCWD, DIRFD(%rsp)
	lea	NAME(%rsp), %rax
	mov	%rax, PATH(%rsp)
open_marked:
	mov	DIRFD(%rsp), %rdi
	mov	PATH(%rsp), %rsi
	look
	mov	%rax, RESULT(%rsp)
	cmp	$-ENOENT, %rax		/* by a symlink, perhaps */
	je	1f
	test	%rax, %rax
	jnz	leave_asking
	mov	ROOM + STAT_MODE(%rsp), %eax
	and	$S_IFMT, %eax
	cmp	$S_IFREG, %eax
	jne	leave_asking
	test	$MOVED, %bl
	jz	1f
	mov	MOVE(%rsp), %rcx
	testl	$MOVE_TOLD, MOVE_FLAGS(%rcx)
	jnz	leave_asking
	mov	ROOM + STAT_INO(%rsp), %r8
	call	number_marked		/* something is told of it */
	jc	leave_asking
1:	lea	HOW(%rsp), %rdx
	mov	$HOW_SIZE, %r10d
	mov	$__NR_openat2, %eax
	syscall
	cmp	$-ENOENT, %rax
	je	leave_with_rax
	test	%rax, %rax
	js	leave_asking
	mov	%eax, %edi
	cmpq	$0, RESULT(%rsp)
	jne	3f
	mov	%rax, RESULT(%rsp)
	test	$MOVED, %bl
	jz	2f
	mov	MOVE(%rsp), %rcx
	testl	$MOVE_ALONE, MOVE_FLAGS(%rcx)
	jnz	leave_with_result	/* its name tells where it is */
2:	mov	$F_SETSIG, %esi
	mov	$SIGIO, %edx
	mov	$__NR_fcntl, %eax
	syscall
	test	%rax, %rax
	jnz	3f
	mov	ROOM + STAT_INO(%rsp), %r8
	call	number_marked		/* for its hash */
	and	$(PLAIN_OWN_BITS - 1), %r8d
	lock bts %r8, arch_names + ARCH_NAMES_SIZE + PLAIN_SIZE(%rip)
	jmp	leave_with_result
3:	mov	$__NR_close, %eax
	syscall
	jmp	leave_asking

arch_names_end:

/* Pairs of a call's number and where it goes; -1: all others. */
	.balign	4
	.macro	by nr, to
	.long	\nr, \to - arch_names
	.endm
arch_names_entry:
	by	__NR_stat, do_stat
	by	__NR_lstat, do_lstat
	by	__NR_newfstatat, do_newfstatat
	by	__NR_statx, do_statx
	by	__NR_access, do_access
	by	__NR_faccessat, do_faccessat
	by	__NR_faccessat2, do_faccessat2
	by	__NR_rmdir, do_remove
	by	__NR_unlink, do_remove
	by	__NR_rename, do_rename
	by	__NR_readlink, do_readlink
	by	__NR_readlinkat, do_readlinkat
	by	__NR_open, do_open
	by	__NR_openat, do_openat
	by	__NR_fstat, do_fstat
	by	__NR_getdents, do_getdents
	by	__NR_getdents64, do_getdents
	by	__NR_statfs, do_access
	by	__NR_getxattr, do_access
	by	__NR_listxattr, do_access
	by	__NR_lgetxattr, do_by_node
	by	__NR_llistxattr, do_by_node
	by	__NR_fgetxattr, do_fd
	by	__NR_flistxattr, do_fd
	by	__NR_fsync, do_sync
	by	__NR_fdatasync, do_sync
	by	__NR_syncfs, do_sync
	by	__NR_sync_file_range, do_sync
	by	-1, ask

	.section .note.GNU-stack, "", @progbits
