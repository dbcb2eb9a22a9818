package world

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// identities does what EKS does: pods of a ServiceAccount with a role get a token for
// assuming it, in every container that the pod does not except. Unlike EKS, it also gives
// every pod the endpoint of AWS and the authority of the certificates here.
type identities struct {
	endpoint string // of AWS
	roleOf   func(namespace, serviceAccount string) string
}

// CertificatesMap is the ConfigMap whose key ca.crt is mounted into pods: Kubernetes keeps
// one in each namespace, with the authority of its certificates, which is the same here.
const CertificatesMap = "kube-root-ca.crt"

const (
	certificates = "/var/run/e2e"
	tokenVolume  = "aws-iam-token"
	tokenFolder  = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
)

type object = map[string]any

// ServeHTTP answers a review of admission with a patch of the pod.
func (i *identities) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review struct {
		Request struct {
			UID       string
			Namespace string
			Object    struct {
				Metadata struct{ Annotations map[string]string }
				Spec     podSpec
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	spec := review.Request.Object.Spec
	excepted := strings.Split(review.Request.Object.Metadata.Annotations["eks.amazonaws.com/skip-containers"], ",")
	patch, err := json.Marshal(i.patch(spec, i.roleOf(review.Request.Namespace, spec.ServiceAccountName), excepted))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"response": object{"uid": review.Request.UID, "allowed": true, "patchType": "JSONPatch", "patch": patch},
	})
}

type podSpec struct {
	ServiceAccountName string
	Volumes            []object
	Containers         []container
	InitContainers     []container
}

type container struct {
	Name              string
	Env, VolumeMounts []object
}

func (i *identities) patch(spec podSpec, role string, excepted []string) []object {
	volumes := append(slices.Clone(spec.Volumes), object{"name": "e2e-certificates", "configMap": object{"name": CertificatesMap}})
	mounts := []object{{"name": "e2e-certificates", "mountPath": certificates, "readOnly": true}}
	env := []object{
		{"name": "AWS_ENDPOINT_URL", "value": i.endpoint},
		// The SDK for Go ignores the former when it assumes a role with a token.
		{"name": "AWS_ENDPOINT_URL_STS", "value": i.endpoint},
		{"name": "SSL_CERT_FILE", "value": certificates + "/ca.crt"},
		{"name": "NODE_EXTRA_CA_CERTS", "value": certificates + "/ca.crt"},
	}
	if role != "" && !has(volumes, tokenVolume) {
		volumes = append(volumes, object{"name": tokenVolume, "projected": object{"sources": []object{
			{"serviceAccountToken": object{"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}},
		}}})
	}
	patches := []object{{"op": "add", "path": "/spec/volumes", "value": volumes}}
	for kind, containers := range map[string][]container{"containers": spec.Containers, "initContainers": spec.InitContainers} {
		for index, c := range containers {
			variables, mounted := slices.Concat(c.Env, env), slices.Concat(c.VolumeMounts, mounts)
			if role != "" && !slices.Contains(excepted, c.Name) {
				variables, mounted = withRole(variables, role), withToken(mounted)
			}
			at := "/spec/" + kind + "/" + string(rune('0'+index))
			patches = append(patches,
				object{"op": "add", "path": at + "/env", "value": variables},
				object{"op": "add", "path": at + "/volumeMounts", "value": mounted})
		}
	}
	return patches
}

// withRole adds the variables of a role, unless there are some.
func withRole(env []object, role string) []object {
	if has(env, "AWS_ROLE_ARN") || has(env, "AWS_WEB_IDENTITY_TOKEN_FILE") {
		return env
	}
	return append(env, object{"name": "AWS_ROLE_ARN", "value": role}, object{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": tokenFolder + "/token"})
}

// withToken mounts the token, unless it is mounted.
func withToken(mounts []object) []object {
	if has(mounts, tokenVolume) {
		return mounts
	}
	return append(mounts, object{"name": tokenVolume, "mountPath": tokenFolder, "readOnly": true})
}

func has(objects []object, name string) bool {
	return slices.ContainsFunc(objects, func(o object) bool { return o["name"] == name })
}

func base64JSON(data []byte) []byte {
	text, _ := json.Marshal(data) // bytes always encode
	return text
}
