// Package node is a whole Kubernetes cluster of one node on this machine:
// etcd, the control plane, containerd and the kubelet as processes, and Argo
// Workflows and Argo Events as pods, installed by their own manifests.
//
// All of it lives in namespaces of its own (network, mounts, processes), so
// that the machine's network is untouched, nothing can leave the cluster, and
// whatever happens nothing of it stays behind.
package node
