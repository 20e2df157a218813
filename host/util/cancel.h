// Ctrl-C: the first asks the run to stop after its current step with a resumable state, the second stops at once.
// Installed by main; the training loop, generator and evaluators ask cancel_requested().
#pragma once

#include <atomic>

namespace temper {

void install_cancel_handler();
bool cancel_requested();
/// Whether a signal says what happens next; a chat, where Ctrl-C only stops an answer, says nothing.
void announce_cancel(bool on);
/// For code that wants a flag to poll; set by the handler and by tests.
std::atomic<bool>& cancel_flag();

}  // namespace temper
