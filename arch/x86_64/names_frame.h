/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_X86_64_NAMES_FRAME_H
#define ARCH_X86_64_NAMES_FRAME_H

/* For names.S: numbers of the kernel's, what it keeps on the stack, and macros. */

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
#define STATX_DEV	136

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
#define DIR	160	/* the directory so far, as the kernel has it */
#define HOW	168	/* struct open_how */
#define ROOM	192	/* struct stat */
#define NAME	(ROOM + 144)	/* the other name */
#define NAME_SIZE 384
#define FRAME	(NAME + NAME_SIZE + 128)


/* scan: what kind of call is it? */
#define MADE_FIRST	0
#define LOOK_FIRST	1
#define RELATIVE	2
#define MOVED		4	/* set by it: the kernel has another name for it */
#define HIDDEN		8	/* (while it scans: no move has been met yet) */

	.macro	enter
	cmp	$PLAIN_STATE_NAMES, %ecx
	jne	ask
	lea	9f(%rip), %rcx
	jmp	enter_frame
9:
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
	shared	%rcx			/* a module may say: it is not there */
	cmpl	$0, PLAIN_ASK_ACCESS(%rcx)
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

#endif
