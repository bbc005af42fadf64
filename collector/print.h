/* What is written once, in tables, printed for people: configuration and endpoints. Each returns the exit status. */
#ifndef COLLECTOR_PRINT_H
#define COLLECTOR_PRINT_H

int print_settings_example(void);
int print_settings_manual(void);
int print_endpoints(void);

#endif
