package stage

// tightenUmask does nothing: Windows has no umask.
func tightenUmask() {}
