package messages

// ReceiverStarted says that a receiver has started, or started again, and waits for
// OpenReader. Receiver tells reader.
type ReceiverStarted struct{ Host int }

// OpenReader asks to connect to Redis. Attempt is how many attempts have failed in a row,
// for the back-off. Reader tells receiver.
type OpenReader struct{ Attempt int }

// LayerReached says that Redis answers, and waits for Fetch. Receiver tells reader.
type LayerReached struct{ Host int }

// Fetch asks to wait for commands and to fetch at most Limit of them. Reader tells receiver.
type Fetch struct{ Limit int }

// Fetched hands over what was fetched. Late: for an earlier incarnation of the receiver.
// Receiver tells reader.
type Fetched struct {
	Host     int
	Received []Received
	Late     bool
}

// Shutdown asks to finish what is under way, and then to stop. The worker tells bridge.
type Shutdown struct{}

// Abandon asks to stop at once. The worker tells bridge.
type Abandon struct{}

// LayerState says that Redis was lost or is back. Reader tells bridge and
// registry.
type LayerState struct{ Up bool }

// ConnectionState says that the MQTT connection was lost or is back. Session tells
// bridge.
type ConnectionState struct{ Up bool }

// Drain asks to take nothing new, and to answer Drained when what is under way is done.
// Bridge tells reader, requests (which do not answer) and session, then router. Session tells
// connection, router tells every group.
type Drain struct{}

// Drained answers Drain. Reader, session and router tell bridge; group tells router. Connection
// tells session when it passes on no more deliveries.
type Drained struct{ From string }

// Undo asks to give back, undone, what is held back for another slot, now and from now on,
// since that slot may take any time. Session tells router when it stops and its connection
// passes on no more deliveries.
type Undo struct{}

func (Undo) toRouter()            {}
func (ReceiverStarted) toReader() {}
func (OpenReader) toReceiver()    {}
func (Fetch) toReceiver()         {}
func (LayerReached) toReader()    {}
func (Fetched) toReader()         {}
func (Shutdown) toBridge()        {}
func (Abandon) toBridge()         {}
func (LayerState) toRegistry()    {}
func (LayerState) toBridge()      {}
func (ConnectionState) toBridge() {}
func (Drain) toRouter()           {}
func (Drain) toRequests()         {}
func (Drain) toReader()           {}
func (Drain) toSession()          {}
func (Drain) toConnection()       {}
func (Drain) toGroup()            {}
func (Drained) toRouter()         {}
func (Drained) toBridge()         {}
func (Drained) toSession()        {}
