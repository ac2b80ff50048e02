import Foundation

/// Makes sure that descriptors 0, 1 and 2 are open, and that a closed pipe is an error and no death.
///
/// A program that is started with `>&-` would give the number 1 to the first file it opens, and write its
/// lines into that. Where one of the three is closed, the null device takes its place: so that a line of
/// results is still noticed to be lost, standard output is one that refuses to be written.
public func openStandardDescriptors() {
    signal(SIGPIPE, SIG_IGN)
    for (descriptor, access) in [
        (STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
    ] where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
        let opened = open("/dev/null", access)
        // The lowest free number is this one, as those below are open by now, unless another thread
        // opens a file at the same moment.
        guard opened >= 0, opened != descriptor else { continue }
        dup2(opened, descriptor)
        close(opened)
    }
}
