package text

import (
	"os"

	ort "github.com/yalue/onnxruntime_go"
)

// telemetrySwitches keep ONNX Runtime from sending word of its use to its makers, which the builds of 1.29 and newer do on Linux, too: an identifier and a database in the
// user's cache folder, and events to a server on the internet. The name changed on the way; with either nothing is made or sent. They count when the library is initialized.
var telemetrySwitches = []string{"ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"}

// silence turns ONNX Runtime's telemetry off, whatever the environment says: what a database is asked is nobody's business. It must come before the library is initialized.
func silence() {
	for _, name := range telemetrySwitches {
		os.Setenv(name, "1") // cgo hands it on to C; it fails for bad names alone
	}
}

// stillSilence is for libraries that do not know the switches, and takes effect behind the start alone.
func stillSilence() { _ = ort.DisableTelemetry() } // which builds without telemetry may refuse
