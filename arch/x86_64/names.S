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
 * as it is: then the call is made once more by the kernel's name.
 *
 * What a signal interrupts here is restarted here, or gone on with: the
 * kernel keeps all registers. rsp is moved before anything is put below.
 */
#include <asm/unistd_64.h>
#include "lib/plain.h"
#include "arch/x86_64/names.h"

#define AT_FDCWD		-100
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_NO_AUTOMOUNT		0x800
#define AT_EACCESS		0x200
#define AT_EMPTY_PATH		0x1000
#define AT_STATX_SYNC_TYPE	0x6000
#define STATX_TYPE		1

#define F_SETSIG	10
#define SIGIO		29
#define O_DIRECTORY	0x10000
/* CLOEXEC, DIRECTORY, NOFOLLOW, NONBLOCK, NOCTTY, LARGEFILE, NOATIME */
#define O_KNOWN		(0x80000 | O_DIRECTORY | 0x20000 | 0x800 | 0x100 | \
			 0x8000 | 0x40000)
#define RESOLVE_NO_SYMLINKS	4
#define HOW_SIZE	24

#define S_IFMT		0xf000
#define S_IFLNK		0xa000
#define S_IFREG		0x8000
#define STAT_INO	8
#define STAT_MODE	24
#define STATX_MASK	0
#define STATX_MODE	28
#define STATX_INO	32

#define EPERM	1
#define ENOENT	2
#define EACCES	13
#define EFAULT	14
#define ENOTDIR	20
#define EINVAL	22
#define ENOSYS	38
#define ELOOP	40

/* The frame, under the red zone. */
#define RDI	0
#define RSI	8
#define RDX	16
#define R10	24
#define R8_	32
#define R9_	40
#define RBX	48
#define NR	56
#define SLOT	64
#define RESULT	72
#define NOFOLLOW 80	/* not 0: a symlink at the end is what is meant */
#define DIRFD	88
#define PATH	96
#define MODE	104	/* where the mode was told */
#define WHICH	112	/* register with the name: RDI or RSI */
#define AGAIN	120	/* where to make the call by another name */
#define ROUND	128	/* not 0: that is done */
#define MOVE	136	/* the move in the name, and its key */
#define KEY	144
#define REST	152	/* of the name, after it */
#define HOW	160	/* struct open_how */
#define ROOM	184	/* struct stat */
#define NAME	(ROOM + 144)	/* the other name */
#define NAME_SIZE 384
#define FRAME	(NAME + NAME_SIZE + 128)


/* scan: what kind of call is it? */
#define MADE_FIRST	0
#define LOOK_FIRST	1
#define RELATIVE	2
#define MOVED		4	/* set by it: the kernel has another name for it */

	.macro	enter
	cmp	$PLAIN_STATE_NAMES, %ecx
	jne	ask
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
	.endm

/* From here on all is done once more, if the name in that register is moved. */
	.macro	again register
	movq	$\register, WHICH(%rsp)
	lea	9f(%rip), %rcx
	mov	%rcx, AGAIN(%rsp)
9:
	.endm

/* The registers of the call, from the frame that is that far up the stack. */
	.macro	restore up=0
	mov	\up + RDI(%rsp), %rdi
	mov	\up + RSI(%rsp), %rsi
	mov	\up + RDX(%rsp), %rdx
	mov	\up + R10(%rsp), %r10
	mov	\up + R8_(%rsp), %r8
	mov	\up + R9_(%rsp), %r9
	mov	\up + RBX(%rsp), %rbx
	.endm

	.macro	shared to
	lea	arch_names + ARCH_NAMES_SIZE(%rip), \to
	.endm

	.macro	ask_if_error value
	cmp	$-\value, %rax
	je	leave_asking
	.endm

/*
 * rax: what the kernel said of the name (edi, rsi) itself, no symlink at its end
 * followed. Asks unless the name is plain. When the call was made by the other
 * name, only that there is nothing is an answer.
 */
	.macro	judge_name error=ENOENT
	mov	%rax, RESULT(%rsp)
	mov	$MADE_FIRST, %ebx
	test	%rax, %rax
	jns	1f
	cmp	$-ENOENT, %rax
	je	1f
	cmp	$-\error, %rax
	je	1f
	cmpq	$0, ROUND(%rsp)
	jne	leave_asking
	cmp	$-ENOTDIR, %rax
	je	1f
	cmp	$-EACCES, %rax
	jne	leave_asking
1:	cmpq	$0, ROUND(%rsp)
	jne	2f
	call	scan
	test	%eax, %eax
	jnz	leave_asking
	test	$MOVED, %bl
	jnz	by_other_name
2:
	.endm

/*
 * The same; goes to done when nothing is left to be known, and on when it is a
 * node that may be a symlink.
 */
	.macro	judge done
	judge_name
	cmpq	$0, RESULT(%rsp)
	jne	\done
	cmpq	$0, NOFOLLOW(%rsp)
	jne	\done
	.endm

/* eax: the mode of that node */
	.macro	ask_if_symlink
	and	$S_IFMT, %eax
	cmp	$S_IFLNK, %eax
	je	leave_asking
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

/* --- is a name plain? ------------------------------------------------------ */

/*
 * Can the page at rsi be read? Not -EINVAL in rax: no. It is asked for aligned
 * bytes of it, as a set of signals for which nothing is to be done.
 */
probe:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	and	$-8, %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$-1, %edi
	mov	$__NR_rt_sigprocmask, %eax
	syscall
	pop	%r10
	pop	%rdx
	pop	%rsi
	pop	%rdi
	cmp	$-EINVAL, %rax
	ret

/* rsi has come to another page; a path has two at most. edi counts them. */
next_page:
	inc	%edi
	cmp	$1, %edi
	jne	1f
	test	$LOOK_FIRST, %bl
	jnz	probe
	cmp	%eax, %eax
1:	ret

/* Is what r8 hashes in the set? Mixes r8; carry: it is. rdx: what is shared */
marked:
	mov	%r8, %rcx
	shr	$29, %rcx
	xor	%rcx, %r8
	movabs	$PLAIN_MIX, %rcx
	imul	%rcx, %r8
	mov	%r8d, %ecx
	and	$(PLAIN_NAMES_BITS - 1), %ecx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_NAMES(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
	jnc	1f
	mov	%r8, %rcx
	shr	$40, %rcx
	and	$(PLAIN_NAMES_BITS - 1), %ecx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_NAMES(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
1:	ret

/* The same for a node's number in r8. Sets rdx. */
number_marked:
	movabs	$PLAIN_BASIS, %rcx
	xor	%rcx, %r8
	movabs	$PLAIN_PRIME, %rcx
	imul	%rcx, %r8
	shared	%rdx
	jmp	marked

/*
 * edi, rsi: a name, as for openat; ebx: kind of call
 * Return: eax 0: it is plain; and with MADE_FIRST, no symlink is on its way
 */
scan:
	shared	%rdx
	cmpl	$0, PLAIN_ASK_ALL(%rdx)
	jne	no
	test	$LOOK_FIRST, %bl
	jz	1f
	call	probe
	jne	no
1:	movzbl	(%rsi), %eax
	cmp	$'/', %al
	je	2f
	or	$RELATIVE, %ebx
	lea	PLAIN_ASK_CWD(%rdx), %rcx
	cmp	$AT_FDCWD, %edi
	je	1f
	lea	PLAIN_ASK_DIRFD(%rdx), %rcx
1:	cmpl	$0, (%rcx)
	jne	no
2:	xor	%edi, %edi
	xor	%r9d, %r9d		/* the directory so far */
	xor	%r10d, %r10d		/* its components */

component:
	cmp	$'/', %al
	jne	1f
	inc	%rsi
	test	$4095, %esi
	jnz	2f
	call	next_page
	jne	no
2:	movzbl	(%rsi), %eax
	jmp	component
1:	test	%al, %al		/* "", "/", "name/" */
	jz	no
	movabs	$PLAIN_BASIS, %r8
	movabs	$PLAIN_PRIME, %rcx

letter:
	xor	%rax, %r8
	imul	%rcx, %r8
	inc	%rsi
	test	$4095, %esi
	jnz	1f
	call	next_page
	jne	no
	movabs	$PLAIN_PRIME, %rcx
1:	movzbl	(%rsi), %eax
	test	%al, %al
	jz	1f
	cmp	$'/', %al
	jne	letter

1:	call	marked
	jc	move

plain:
	test	%al, %al
	jz	1f
	call	deeper
	inc	%r10d
	jmp	component

1:	mov	%r8, %rcx
	shr	$52, %rcx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_LAST(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
	jc	no
	test	$LOOK_FIRST, %bl	/* the kernel will look at symlinks */
	jnz	yes
	test	%r10d, %r10d
	jz	yes
	test	$RELATIVE, %bl
	jnz	no
	mov	%r9d, %ecx
	and	$(PLAIN_NDIRS - 1), %ecx
	xor	PLAIN_EPOCH(%rdx), %r9
	cmp	%r9, PLAIN_DIRS(%rdx, %rcx, 8)
	jne	no
yes:
	xor	%eax, %eax
	ret
no:
	mov	$1, %eax
	ret

/* The name that is not plain may be where a move begins. */
move:
	cmp	$'/', %al
	jne	no
	test	$RELATIVE | MOVED, %bl
	jnz	no
	call	deeper
	mov	%r9d, %ecx
	and	$(PLAIN_NMOVES - 1), %ecx
	imul	$MOVE_SIZE, %ecx, %ecx
	lea	PLAIN_MOVES(%rdx, %rcx), %rcx
	xor	PLAIN_EPOCH(%rdx), %r9
	cmp	%r9, MOVE_KEY(%rcx)
	jne	no
	mov	%rcx, 8 + MOVE(%rsp)
	mov	%r9, 8 + KEY(%rsp)
	mov	%rsi, 8 + REST(%rsp)
	mov	MOVE_DIR(%rcx), %r9
	xor	%r10d, %r10d
	test	%r9, %r9
	setne	%r10b
	or	$MOVED, %ebx
	jmp	component

/* The name in r8 belongs to the directory, r9. */
deeper:
	xor	%r8, %r9
	movabs	$PLAIN_MIX, %rcx
	imul	%rcx, %r9
	mov	%r9, %rcx
	shr	$32, %rcx
	xor	%rcx, %r9
	ret

/* The kernel's name of what scan found moved, to NAME. eax 0: it is there */
other_name:
	mov	8 + MOVE(%rsp), %r11
	lea	8 + NAME(%rsp), %rdi
	lea	MOVE_NAME(%r11), %rsi
	mov	MOVE_LEN(%r11), %ecx
	rep movsb
	mov	8 + REST(%rsp), %rsi
	lea	8 + NAME + NAME_SIZE(%rsp), %rcx
1:	cmp	%rcx, %rdi
	je	no
	movsb
	cmpb	$0, -1(%rdi)
	jne	1b
	mov	8 + KEY(%rsp), %rcx
	cmp	%rcx, MOVE_KEY(%r11)
	jne	no
	jmp	yes

/* The call once more, with that name. */
by_other_name:
	call	other_name
	test	%eax, %eax
	jnz	leave_asking
	movq	$1, ROUND(%rsp)
	call	put_other_name
	jmp	*AGAIN(%rsp)

/* All registers as they were, but that of the name. */
put_other_name:
	restore	8
	lea	8 + NAME(%rsp), %rcx
	cmpq	$RSI, 8 + WHICH(%rsp)
	cmove	%rcx, %rsi
	cmpq	$RDI, 8 + WHICH(%rsp)
	cmove	%rcx, %rdi
	ret

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
	mov	STAT_INO - STAT_MODE(%rcx), %r8
	cmpq	$__NR_statx, NR(%rsp)
	jne	told_number
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
	mov	STAT_INO(%rdx), %r8

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
	mov	STAT_INO(%rsi), %r8
	jmp	told_number

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
	lea	ROOM(%rsp), %rdx
	mov	$AT_SYMLINK_NOFOLLOW, %r10d
	mov	$__NR_newfstatat, %eax
	syscall
	judge	make_it
	mov	ROOM + STAT_MODE(%rsp), %eax
	ask_if_symlink
make_it:
	restore
	cmpq	$0, ROUND(%rsp)
	je	1f
	mov	MOVE(%rsp), %rcx
	cmpl	$0, MOVE_RDONLY(%rcx)
	jne	leave_asking
	call	put_other_name
1:	mov	NR(%rsp), %rax
	syscall
	jmp	leave_with_rax

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
	jmp	leave_with_rax

/*
 * By the kernel's name, or from a directory that may be a moved one. Only a
 * regular file: of a directory the monitor has to know by what name it was
 * opened. Of a file it is asked seldom, and then sees a mark in it
 * (sys/moved.c).
 */
open_moved:
	call	other_name
	test	%eax, %eax
	jnz	leave_asking
	movq	$AT_FDCWD, DIRFD(%rsp)
	lea	NAME(%rsp), %rax
	mov	%rax, PATH(%rsp)
open_marked:
	mov	DIRFD(%rsp), %rdi
	mov	PATH(%rsp), %rsi
	lea	ROOM(%rsp), %rdx
	mov	$AT_SYMLINK_NOFOLLOW, %r10d
	mov	$__NR_newfstatat, %eax
	syscall
	mov	%rax, RESULT(%rsp)
	cmp	$-ENOENT, %rax		/* by a symlink, perhaps */
	je	1f
	test	%rax, %rax
	jnz	leave_asking
	mov	ROOM + STAT_MODE(%rsp), %eax
	and	$S_IFMT, %eax
	cmp	$S_IFREG, %eax
	jne	leave_asking
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
	mov	$F_SETSIG, %esi
	mov	$SIGIO, %edx
	mov	$__NR_fcntl, %eax
	syscall
	test	%rax, %rax
	jz	leave_with_result
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
