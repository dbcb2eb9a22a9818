package limits

// nonblock is nothing here: the interface to the system does not know it.
const nonblock = 0
