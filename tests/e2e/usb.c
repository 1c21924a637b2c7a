/* For machines without USB, where libusb fails: it finds a place for devices, with none in it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

DIR *opendir(const char *path) {
    DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    const char *place = getenv("USB_PLACE");
    int is_asked = !strcmp(path, "/dev/bus/usb") || !strcmp(path, "/sys/bus/usb/devices");
    return real(place && is_asked ? place : path);
}
