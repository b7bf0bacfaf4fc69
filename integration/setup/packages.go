package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/embedded"
)

// need is a tool and the Debian packages that bring it.
type need struct {
	what     string
	packages []string
	there    func() bool
}

func onPath(name string) func() bool {
	return func() bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

func runs(name string, args ...string) func() bool {
	return func() bool { return exec.Command(name, args...).Run() == nil }
}

// parts says which of the fetched parts are missing, since only they need their fetchers; and whether PgBouncer and the reference
// libraries are wanted.
type parts struct{ runtime, vino, model, bouncer, references bool }

func missingParts(c conf.Config) parts {
	return parts{
		runtime: c.ONNXRuntime == "" && !runtimeInstalled(filepath.Join(c.Data, "onnxruntime")),
		model:   !modelInstalled(filepath.Join(c.Models, modelName)),
	}
}

func needs(tests bool, missing parts) []need {
	list := []need{
		{"a C compiler (gcc)", []string{"gcc"}, onPath("gcc")},
		{"the C library's headers", []string{"libc6-dev"}, runs("gcc", "-E", "-include", "stdlib.h", "-x", "c", os.DevNull)},
		{"a Postgres server", []string{"postgresql"}, func() bool { _, err := embedded.Find(0); return err == nil }},
		{"psql", []string{"postgresql-client"}, onPath("psql")},
		{"curl", []string{"curl"}, onPath("curl")},
	}
	if missing.runtime || missing.vino || missing.model || missing.references || tests {
		list = append(list, need{"Python with pip", []string{"python3", "python3-pip"}, runs("python3", "-m", "pip", "--version")})
	}
	if missing.model || tests {
		list = append(list, need{"Maven", []string{"maven"}, onPath("mvn")})
	}
	if missing.bouncer {
		list = append(list, need{"PgBouncer", []string{"pgbouncer"}, func() bool { return onPath("pgbouncer")() || onPath("/usr/sbin/pgbouncer")() }})
	}
	if tests || missing.references {
		list = append(list, need{"Python's venv", []string{"python3-venv"}, runs("python3", "-c", "import venv, ensurepip")})
	}
	if tests {
		list = append(list, need{"Node.js with npm", []string{"nodejs", "npm"}, func() bool { return onPath("node")() && onPath("npm")() }})
	}
	return list
}

// installPackages installs the packages of the tools that are missing. Where it may not, it says which these are.
func installPackages(ctx context.Context, tests bool, missing parts) error {
	var what, packages []string
	for _, n := range needs(tests, missing) {
		if !n.there() {
			what = append(what, n.what)
			packages = append(packages, n.packages...)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	if !onPath("apt-get")() {
		return fmt.Errorf("missing: %s; please install them and call again", strings.Join(what, ", "))
	}
	var prefix []string
	if os.Geteuid() != 0 {
		if !runs("sudo", "-n", "true")() {
			return fmt.Errorf("missing: %s; please run as root: apt-get install %s", strings.Join(what, ", "), strings.Join(packages, " "))
		}
		prefix = []string{"sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"}
	}
	say("installing %s", strings.Join(packages, " "))
	apt := func(args ...string) error {
		line := append(append(append([]string(nil), prefix...), "apt-get", "-qq", "-o", "Acquire::Retries=3"), args...)
		return command(ctx, []string{"DEBIAN_FRONTEND=noninteractive"}, line[0], line[1:]...)
	}
	if err := apt("update"); err != nil {
		return err
	}
	// Installing a server makes and starts a cluster "main", which nobody here asked for.
	if os.Geteuid() == 0 {
		undo, err := noMainCluster()
		if err != nil {
			return err
		}
		defer undo()
		if undo, err = noServices("/usr/sbin/policy-rc.d"); err != nil {
			return err
		}
		defer undo()
	}
	return apt(append([]string{"install", "-y", "--no-install-recommends"}, packages...)...)
}

// noMainCluster tells Debian's postgresql-common for the time of an installation to make no cluster.
func noMainCluster() (undo func(), err error) {
	const dir = "/etc/postgresql-common/createcluster.d"
	file := filepath.Join(dir, "pgowl-setup.conf")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return nil, err
	}
	return func() { os.Remove(file) }, nil
}
