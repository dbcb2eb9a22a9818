// Package node is a whole Kubernetes cluster of one node on this machine:
// etcd, the control plane, containerd and the kubelet as processes, and Argo
// Workflows and Argo Events as pods, installed by their own manifests.
//
// It runs in separate namespaces (network, mounts, processes), so that the machine's
// network does not change, nothing can leave the cluster, and nothing is left behind in
// any case.
package node
