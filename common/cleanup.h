/* Ownership that can be seen: a local that owns carries CLEANUP(destroyer), and what leaves the function is TAKEn. */
#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

/* The destroyer takes the address of the variable, accepts NULL behind it and leaves NULL. */
#define CLEANUP(destroyer) __attribute__((cleanup(destroyer)))

/* Move a pointer out of its owner, which is left NULL. */
#define TAKE(pointer)                                                                                                  \
    __extension__({                                                                                                    \
        __typeof__(pointer) taken_ = (pointer);                                                                        \
        (pointer) = NULL;                                                                                              \
        taken_;                                                                                                        \
    })

#endif
