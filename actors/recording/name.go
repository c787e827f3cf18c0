package recording

import "maskswitch/actors/protocol"

// Name is the name of a recording in the archive.
func Name(r protocol.Recording) string { return string(r.ID) }
