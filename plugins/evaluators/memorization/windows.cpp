// See windows.h.
#include "windows.h"

#include <algorithm>

#include "corpus_index.h"
#include "temper/random.h"

namespace temper::memorization {
namespace {

constexpr std::size_t kChunkBytes = 16384;
/// Tokens behind a cut may differ from those that training saw.
constexpr std::size_t kAfterCut = 32;

struct Chunk {
  std::size_t document, begin, end;
};

std::vector<Chunk> chunks_of(const std::vector<Document>& documents) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string& text = documents[i].text;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = character_start(text, begin + kChunkBytes);
      const std::size_t stop = end > begin ? end : text.size();  // bytes that are no characters at all
      chunks.push_back({i, begin, stop});
      begin = stop;
    }
  }
  return chunks;
}

/// The chunk's tokens that training saw as well.
std::vector<std::int32_t> tokens_of(const Chunk& chunk, const std::string& text, const Tokenizer& tokenizer) {
  auto ids = tokenizer.encode(std::string_view(text).substr(chunk.begin, chunk.end - chunk.begin));
  if (chunk.end < text.size()) ids.resize(ids.size() - std::min(ids.size(), kAfterCut));
  if (chunk.begin > 0) ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), kAfterCut)));
  return ids;
}

}  // namespace

void each_window(const std::vector<Document>& documents, const Tokenizer& tokenizer, const WindowShape& shape,
                 std::uint64_t seed, const std::function<bool(const Window&)>& take) {
  const auto chunks = chunks_of(documents);
  const auto continuation = static_cast<std::size_t>(shape.continuation);
  const Permutation order(chunks.size(), derive_seed(seed, {"order"}));
  bool some = !chunks.empty();
  for (std::size_t round = 0; some; ++round) {
    some = false;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const Chunk& chunk = chunks[order(i)];
      // A token is at least a byte: a chunk too short for one more window of the shortest kind is not worth tokenising.
      const std::size_t least = static_cast<std::size_t>(shape.prompts.front()) + continuation;
      if (chunk.end - chunk.begin < least * (round + 1)) continue;
      const Document& document = documents[chunk.document];
      const auto ids = tokens_of(chunk, document.text, tokenizer);
      std::size_t prompt = 0;
      for (const std::int64_t length : shape.prompts) {
        if (static_cast<std::size_t>(length) + continuation <= ids.size()) prompt = static_cast<std::size_t>(length);
      }
      const std::size_t size = prompt + continuation;
      const std::size_t slots = prompt == 0 ? 0 : ids.size() / size;
      if (round >= slots) continue;
      some = true;
      // By the text, so that copies of a document give the same window, which is asked once.
      const std::uint64_t own =
          derive_seed(seed, {std::string_view(document.text).substr(chunk.begin, chunk.end - chunk.begin)});
      const std::size_t spare = ids.size() - slots * size;
      const std::size_t start = Permutation(slots, own)(round) * size + Rng(own).below(spare + 1);
      const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(start);
      Window window;
      window.id = document.id + "#" + std::to_string(chunk.begin) + "+" + std::to_string(start);
      window.document = document.id;
      window.ids.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
      window.prompt = prompt;
      if (!take(window)) return;
    }
  }
}

}  // namespace temper::memorization
