package node

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// needed are the required programs, with their Debian packages.
var needed = [][2]string{
	{"containerd", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"etcd", "etcd-server"},
	{"nats-server", "nats-server"},
	{"dockerd", "docker.io"},
	{"docker", "docker.io"},
	{"skopeo", "skopeo"},
	{"rootlesskit", "rootlesskit"},
	{"newuidmap", "uidmap"},
	{"ip", "iproute2"},
	{"iptables", "iptables"},
	{"ipset", "ipset"},
	{"nft", "nftables"},
	{"conntrack", "conntrack"},
	{"git", "git"},
	{"go", "golang"},
	{"node", "nodejs"},
}

// Problems lists the reasons why a machine cannot run a cluster.
func Problems() []string {
	if runtime.GOOS != "linux" {
		return []string{"it is " + runtime.GOOS + ", not Linux"}
	}
	var problems []string
	if os.Geteuid() != 0 {
		problems = append(problems, "the user is not root")
	} else if err := apart().Run(); err != nil {
		problems = append(problems, "the kernel does not allow new namespaces: "+err.Error())
	}
	for _, program := range needed {
		if _, err := exec.LookPath(program[0]); err != nil {
			problems = append(problems, fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", program[0], program[1]))
		}
	}
	if _, err := os.Stat("/usr/lib/cni/bridge"); err != nil {
		problems = append(problems, "/usr/lib/cni/bridge is not there (Debian: apt-get install containernetworking-plugins)")
	}
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		problems = append(problems, "there are no control groups")
	}
	return problems
}

// apart returns a command that does nothing, in namespaces like those of a node.
func apart() *exec.Cmd {
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: apartFrom}
	return cmd
}
