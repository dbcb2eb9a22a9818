package bucket

// RunPageKey is the key of the page of a run.
func RunPageKey(run string) string { return runPages.key(run) }

// IndexPageKey is the key of the page of the pipeline. Like IndexKey, it belongs to no run.
func IndexPageKey() string { return indexPage.key() }
