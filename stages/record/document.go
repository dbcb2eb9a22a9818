package record

import "time"

// Published is what came of publishing metrics.
type Published struct {
	Values int    `json:"values"` // that were to be published
	Error  string `json:"error,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// Attempt is an earlier workflow of a run: Argo made a later one of its name, such as when it retries one from its archive.
type Attempt struct {
	Created string    `json:"created"`
	Ended   time.Time `json:"ended"`
	Status  string    `json:"status"`
	Error   string    `json:"error,omitempty"`
}

// Failure is a failed node, as described by Argo.
type Failure struct {
	DisplayName  string `json:"displayName"`
	TemplateName string `json:"templateName"`
	Phase        string `json:"phase"`
	Message      string `json:"message"`
	FinishedAt   string `json:"finishedAt"`
}

// Signing is what the record of a run that is to be signed says of that.
type Signing struct {
	Images []string `json:"images,omitempty"` // of the pipeline's stages: REGISTRY:TAG, and PROGRAM@DIGEST
	Failed string   `json:"failed,omitempty"` // why there is no release record
}
