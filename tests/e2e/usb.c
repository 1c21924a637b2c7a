/* Stands between the command and the system, where libusb looks for devices: it finds those of the directory USB_PLACE, which is
 * laid out as /sys/bus/usb/devices. What goes to a device and comes from it goes through the socket `device` there, each message as
 * a byte and, if that is the length of a report, the report. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { REPORT = 64, DISCARDED = 0xfe, TAKEN = 0xff };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The socket of the open device. */
static int device = -1;
/* The transfers that the device has yet to end: of a report from it, of one to it, and of one that is called off. */
static struct usbdevfs_urb *in, *out, *discarded;

static int fails(int error) {
    errno = error;
    return -1;
}

/* Where a path is instead; nowhere if it is not about USB. */
static int moved(const char *path, char *instead, size_t size) {
    const char *roots[] = {"/sys/bus/usb/devices", "/dev/bus/usb"}, *place = getenv("USB_PLACE");
    for (int root = 0; place && root < 2; root++) {
        size_t length = strlen(roots[root]);
        if (!strncmp(path, roots[root], length)) return snprintf(instead, size, "%s%s", place, path + length) < (int)size;
    }
    return 0;
}

static int connected(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int opened = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/device", getenv("USB_PLACE"));
    if (connect(opened, (struct sockaddr *)&address, sizeof address)) return fails(EACCES);
    in = out = discarded = NULL;
    return device = opened;
}

DIR *opendir(const char *path) {
    char instead[256];
    return REAL(opendir)(moved(path, instead, sizeof instead) ? instead : path);
}

int statfs(const char *path, struct statfs *found) {
    int done = REAL(statfs)(path, found);
    if (!getenv("USB_PLACE") || strcmp(path, "/sys")) return done;
    found->f_type = SYSFS_MAGIC;
    return 0;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    char instead[256];
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (!moved(path, instead, sizeof instead)) return REAL(open)(path, flags, mode);
    return (flags & O_ACCMODE) == O_RDWR ? connected() : REAL(open)(instead, flags, mode);
}

int close(int fd) {
    if (fd == device) device = -1;
    return REAL(close)(fd);
}

/* The device ends every transfer by a message. */
int poll(struct pollfd *fds, nfds_t count, int timeout) {
    int socket = device;
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].fd == socket) fds[i].events = POLLIN;
    }
    int ready = REAL(poll)(fds, count, timeout);
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].fd != socket) continue;
        fds[i].events = POLLOUT;
        fds[i].revents = fds[i].revents & POLLHUP ? POLLERR : fds[i].revents & POLLIN ? POLLOUT : 0;
    }
    return ready;
}

static int submit(struct usbdevfs_urb *urb) {
    unsigned char length = urb->buffer_length;
    if (urb->type != USBDEVFS_URB_TYPE_INTERRUPT || urb->buffer_length != REPORT) return fails(EPIPE);
    if (urb->endpoint & 0x80) {
        in = urb;
        return 0;
    }
    out = urb;
    if (send(device, &length, 1, MSG_NOSIGNAL) != 1) return fails(ENODEV);
    return send(device, urb->buffer, length, MSG_NOSIGNAL) == length ? 0 : fails(ENODEV);
}

static int discard(struct usbdevfs_urb *urb) {
    unsigned char message = DISCARDED;
    struct usbdevfs_urb **under_way = urb == in ? &in : &out;
    if (urb != *under_way) return fails(EINVAL);
    *under_way = NULL;
    discarded = urb;
    return send(device, &message, 1, MSG_NOSIGNAL) == 1 ? 0 : fails(ENODEV);
}

static int reap(struct usbdevfs_urb **reaped) {
    unsigned char message[1 + REPORT];
    ssize_t size = recv(device, message, sizeof message, MSG_PEEK | MSG_DONTWAIT);
    if (size == 0) return fails(ENODEV);
    if (size < 0) return fails(EAGAIN);
    int length = message[0] <= REPORT ? message[0] : 0;
    struct usbdevfs_urb **ended = message[0] == TAKEN ? &out : message[0] == DISCARDED ? &discarded : &in;
    if (size < 1 + length || !*ended) return fails(EAGAIN);
    recv(device, message, 1 + length, 0);
    struct usbdevfs_urb *urb = *ended;
    memcpy(urb->buffer, message + 1, length);
    urb->actual_length = ended == &out ? urb->buffer_length : length;
    urb->status = ended == &discarded ? -ENOENT : 0;
    *ended = NULL;
    *reaped = urb;
    return 0;
}

static int answered(unsigned long request, void *argument) {
    switch (request) {
    case USBDEVFS_SUBMITURB: return submit(argument);
    case USBDEVFS_DISCARDURB: return discard(argument);
    case USBDEVFS_REAPURBNDELAY: return reap(argument);
    case USBDEVFS_GET_CAPABILITIES: return *(unsigned *)argument = 0;
    case USBDEVFS_GETDRIVER: return fails(ENODATA);
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_RELEASEINTERFACE: return 0;
    default: return fails(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (fd != device || _IOC_TYPE(request) != 'U') return REAL(ioctl)(fd, request, argument);
    pthread_mutex_lock(&lock);
    int done = answered(request, argument);
    pthread_mutex_unlock(&lock);
    return done;
}
