package manifest

// Labels and annotations of a pipeline's objects.
const (
	// LabelManagedBy is Kubernetes's label for the program that manages an object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is its value on every object of every pipeline.
	ManagedBy = "aphex-pipeline"
	// LabelInstance is Kubernetes's label for the name of what an object belongs to:
	// workflowTemplateName.
	LabelInstance = "app.kubernetes.io/instance"
	// LabelPipeline holds the identity of the pipeline that an object belongs to.
	LabelPipeline = "aphex.dev/pipeline"
	// LabelComponent is Kubernetes's label for the part of a pipeline that an object belongs to.
	LabelComponent = "app.kubernetes.io/component"
	// ImageBuilder is its value on the objects of a pipeline's BuildKit.
	ImageBuilder = "image-builder"
	// AnnotationDigest holds the SHA-256 of a versioned object's content, as sha256:<hex>.
	AnnotationDigest = "aphex.dev/digest"
	// AnnotationTitle holds the title that the UI of Argo Workflows shows.
	AnnotationTitle = "workflows.argoproj.io/title"
	// AnnotationTemplate on a Sensor names the version of the template that it submits.
	AnnotationTemplate = "aphex.dev/template"
	// AnnotationEarlier on a Sensor holds the versions that it submitted before: a
	// JSON object from their names to the times at which it turned away from them.
	AnnotationEarlier = "aphex.dev/earlier-templates"
)
