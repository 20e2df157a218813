// Windows of documents: a prompt and what follows it, as the document's own tokens. Documents may be whole novels: long ones
// are taken in chunks, so that no more than a chunk is tokenised for a window. Used by extraction.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "temper/dataset.h"
#include "temper/tokenizer.h"

namespace temper::memorization {

struct Window {
  std::string id;                 ///< document and place
  std::string document;           ///< windows of one document are not independent
  std::vector<std::int32_t> ids;  ///< the longest prompt that the document has room for, then the continuation
  std::size_t prompt = 0;         ///< how many of them are the prompt
};

struct WindowShape {
  std::vector<std::int64_t> prompts;  ///< lengths, rising; the longest one that fits is taken
  std::int64_t continuation = 0;
};

/// Gives windows to `take` until it says no or there are none: chunk after chunk in an order drawn by `seed`, one window
/// from each, then a second one from each, none of which overlap. Chunks are equally likely, so documents are by length.
void each_window(const std::vector<Document>& documents, const Tokenizer& tokenizer, const WindowShape& shape,
                 std::uint64_t seed, const std::function<bool(const Window&)>& take);

}  // namespace temper::memorization
