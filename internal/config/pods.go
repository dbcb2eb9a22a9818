package config

// Pods are how the pods of the pipeline fit the cluster, in the words of Kubernetes. They
// are those of runs, and those of the webhook and its Sensor, but `resources` is for
// commands alone.
type Pods struct {
	// What the containers of commands request and may use: builds, CDK apps, hooks and tests.
	Resources Resources `json:"resources,omitzero"`

	// Labels of the nodes that the pods run on.
	NodeSelector map[string]string `json:"nodeSelector,omitempty" keys:"labelKey" example:"{karpenter.sh/nodepool: pipelines}"`

	// Taints of nodes that the pods accept.
	Tolerations []Toleration `json:"tolerations,omitempty" example:"[{key: pipelines, operator: Exists, effect: NoSchedule}]"`

	// Rules about the nodes that the pods run on, and the pods beside them.
	Affinity Affinity `json:"affinity,omitzero"`

	// The name of the priority class of the pods.
	PriorityClassName string `json:"priorityClassName,omitempty" rule:"subdomain" example:"pipelines"`

	// Secrets with the credentials of private registries, in the namespace of the runs and
	// in that of the webhook.
	ImagePullSecrets []PullSecret `json:"imagePullSecrets,omitempty" example:"[{name: registry}]"`

	// Further labels of the pods.
	Labels map[string]string `json:"labels,omitempty" keys:"podLabel" example:"{team: shop}"`

	// Further annotations of the pods.
	Annotations map[string]string `json:"annotations,omitempty" keys:"podAnnotation" example:"{sidecar.istio.io/inject: \"false\"}"`
}

// Resources are what a container of commands requests of its node, and the most that it
// may use: the node keeps the first for it, and ends it if it uses more memory or disk
// space than the second.
type Resources struct {
	// By `cpu`, `memory` and `ephemeral-storage`. What it does not name has the default:
	// a processor, 2Gi of memory and 1Gi of disk space for a build, and a quarter of
	// a processor, 1Gi and 256Mi for the others.
	Requests map[string]string `json:"requests,omitempty" keys:"resourceName" example:"{cpu: 2, memory: 4Gi}"`

	// By the same names. What it does not name has the limits of `podLimits`, and no limit of `cpu`.
	Limits map[string]string `json:"limits,omitempty" keys:"resourceName" example:"{memory: 16Gi}"`
}

// Toleration is a taint, or several, that a pod accepts.
type Toleration struct {
	// The key of the taint. Without it, `operator` is `Exists`, and all taints match.
	Key string `json:"key,omitempty" rule:"labelKey" example:"pipelines"`

	// Whether the taint has the `value`, or any.
	Operator string `json:"operator,omitempty" derived:"Equal" oneof:"Equal,Exists"`

	// The value of the taint.
	Value string `json:"value,omitempty" rule:"labelValue" example:"builds"`

	// The effect of the taint; without it, taints of all effects match.
	Effect string `json:"effect,omitempty" oneof:"NoSchedule,PreferNoSchedule,NoExecute"`

	// How many seconds the pod stays on a node that gets the taint, with `effect: NoExecute`.
	// Without it, it stays.
	TolerationSeconds *int `json:"tolerationSeconds,omitempty" min:"0" example:"300"`
}

// PullSecret is a Secret with credentials of a registry.
type PullSecret struct {
	// The name of the Secret.
	Name string `json:"name" need:"always" rule:"subdomain" example:"registry"`
}

// Affinity are rules about where a pod runs.
type Affinity struct {
	// Rules about its node.
	NodeAffinity NodeAffinity `json:"nodeAffinity,omitzero"`

	// Pods that it runs near.
	PodAffinity PodAffinity `json:"podAffinity,omitzero"`

	// Pods that it does not run near.
	PodAntiAffinity PodAffinity `json:"podAntiAffinity,omitzero"`
}

// NodeAffinity are rules about the node of a pod.
type NodeAffinity struct {
	// Nodes that it runs on, and no others.
	Required *NodeSelector `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`

	// Nodes that it rather runs on.
	Preferred []PreferredNode `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// NodeSelector selects nodes.
type NodeSelector struct {
	// Terms of which a node satisfies one or more.
	NodeSelectorTerms []NodeSelectorTerm `json:"nodeSelectorTerms" need:"always"`
}

// PreferredNode is a preference of some weight.
type PreferredNode struct {
	// From 1 to 100.
	Weight int `json:"weight" need:"always" min:"1" example:"50"`

	// The nodes that are preferred.
	Preference NodeSelectorTerm `json:"preference" need:"always"`
}

// NodeSelectorTerm are requirements of which a node satisfies all.
type NodeSelectorTerm struct {
	// Requirements of the labels of the node.
	MatchExpressions []NodeRequirement `json:"matchExpressions" need:"always"`
}

// NodeRequirement is a requirement of a label of a node.
type NodeRequirement struct {
	// The key of the label.
	Key string `json:"key" need:"always" rule:"labelKey" example:"kubernetes.io/arch"`

	// How the label and the `values` compare.
	Operator string `json:"operator" need:"always" oneof:"In,NotIn,Exists,DoesNotExist,Gt,Lt" example:"In"`

	// Values of the label; none for `Exists` and `DoesNotExist`, and one number for `Gt` and `Lt`.
	Values []string `json:"values,omitempty" rule:"labelValue" example:"[amd64, arm64]"`
}

// PodAffinity are rules about the pods near a pod.
type PodAffinity struct {
	// Rules that must hold.
	Required []PodTerm `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`

	// Rules that rather hold.
	Preferred []PreferredPods `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PreferredPods is a rule of some weight.
type PreferredPods struct {
	// From 1 to 100.
	Weight int `json:"weight" need:"always" min:"1" example:"50"`

	// The rule.
	PodAffinityTerm PodTerm `json:"podAffinityTerm" need:"always"`
}

// PodTerm selects pods and says what is near.
type PodTerm struct {
	// The label of nodes whose value is the same near each other.
	TopologyKey string `json:"topologyKey" need:"always" rule:"labelKey" example:"kubernetes.io/hostname"`

	// The pods.
	LabelSelector LabelSelector `json:"labelSelector" need:"always"`

	// The namespaces of the pods; without it, that of the pod itself.
	Namespaces []string `json:"namespaces,omitempty" rule:"namespace" example:"[builds]"`
}

// LabelSelector selects objects that satisfy all of it.
type LabelSelector struct {
	// Labels with their values.
	MatchLabels map[string]string `json:"matchLabels,omitempty" keys:"labelKey" example:"{app: cache}"`

	// Requirements of labels.
	MatchExpressions []LabelRequirement `json:"matchExpressions,omitempty"`
}

// LabelRequirement is a requirement of a label.
type LabelRequirement struct {
	// The key of the label.
	Key string `json:"key" need:"always" rule:"labelKey" example:"app"`

	// How the label and the `values` compare.
	Operator string `json:"operator" need:"always" oneof:"In,NotIn,Exists,DoesNotExist" example:"In"`

	// Values of the label; none for `Exists` and `DoesNotExist`.
	Values []string `json:"values,omitempty" rule:"labelValue" example:"[cache]"`
}

// WorkspaceVolume are volumes that Kubernetes makes for each pod of a run and removes with
// it: up to four, each as large as `podLimits.storage`.
type WorkspaceVolume struct {
	// The storage class of the volumes.
	StorageClassName string `json:"storageClassName" need:"always" rule:"subdomain" example:"gp3"`
}

// Proxy is an HTTP proxy, for the stages and for the commands of the repository, which get
// it as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in upper and lower case.
type Proxy struct {
	// The proxy for connections over HTTPS, which are all of the pipeline itself.
	HTTPS string `json:"https" need:"always" rule:"proxy" example:"http://proxy.example.com:3128"`

	// The proxy for connections over plain HTTP.
	HTTP string `json:"http,omitempty" rule:"proxy" example:"http://proxy.example.com:3128"`

	// Hosts, domains with a dot first, and networks that are reached without the proxy,
	// beside the pod itself and the services of the cluster.
	NoProxy []string `json:"noProxy,omitempty" rule:"noProxy" example:"[.example.com, 10.0.0.0/8]"`
}

// CABundle is a key of a ConfigMap in `argoNamespace` with certificates in PEM: your own
// and those of public authorities, without which AWS and GitHub cannot be reached.
type CABundle struct {
	// The name of the ConfigMap.
	Name string `json:"name" need:"always" rule:"subdomain" example:"trusted"`

	// The key of the certificates.
	Key string `json:"key,omitempty" default:"ca-certificates.crt" rule:"fileKey" example:"ca.pem"`
}

// ImageBuilder is a BuildKit, which the stages that deploy reach over TLS and with a
// certificate of their own.
type ImageBuilder struct {
	// The address of the BuildKit.
	Address string `json:"address" need:"always" rule:"builderAddress" example:"tcp://buildkitd.shop-images.svc:1234"`

	// The name of a Secret in `argoNamespace` with `ca.pem`, `cert.pem` and `key.pem`. The
	// commands of the repository never see it.
	TLSSecretName string `json:"tlsSecretName" need:"always" rule:"subdomain" example:"shop-images"`

	// The name in the certificate of the BuildKit.
	ServerName string `json:"serverName,omitempty" derived:"the host of the address" rule:"subdomain" example:"buildkitd.shop-images.svc"`
}

// PodLimits are the most that a pod of a run may use of its node. Code that needs
// more is ended, and the run fails with the cause.
type PodLimits struct {
	// Memory for the commands of a stage.
	Memory string `json:"memory,omitempty" default:"8Gi" rule:"size" example:"16Gi"`

	// Disk space for the workspace and for temporary files, each.
	Storage string `json:"storage,omitempty" default:"10Gi" rule:"size" example:"40Gi"`
}
