// Shards of JSON lines, and spools (see sink.h).
#include "host/clean/sink.h"

#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <vector>

#include "temper/find_byte.h"

namespace temper::clean {

struct PackedFile::Packer {
  Packing packing;
  std::vector<char> buffer = std::vector<char>(std::size_t{1} << 17);
  z_stream gzip{};
  ZSTD_CCtx* zstd = nullptr;
  bool open = false;

  explicit Packer(Packing kind) : packing(kind) {
    if (kind == Packing::kGzip && deflateInit2(&gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw DataError("zlib did not start");
    }
    if (kind == Packing::kZstd) zstd = ZSTD_createCCtx();
  }
  ~Packer() {
    if (packing == Packing::kGzip) deflateEnd(&gzip);
    ZSTD_freeCCtx(zstd);
  }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  void pack(std::string_view bytes, bool last, AppendFile& file) {
    if (bytes.empty() && !(last && open)) return;
    open = !last;
    packing == Packing::kGzip ? deflate_all(bytes, last, file) : compress_all(bytes, last, file);
  }
  void deflate_all(std::string_view bytes, bool last, AppendFile& file) {
    gzip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    gzip.avail_in = static_cast<uInt>(bytes.size());
    do {
      gzip.next_out = reinterpret_cast<Bytef*>(buffer.data());
      gzip.avail_out = static_cast<uInt>(buffer.size());
      deflate(&gzip, last ? Z_FINISH : Z_NO_FLUSH);
      file.write({buffer.data(), buffer.size() - gzip.avail_out});
    } while (gzip.avail_out == 0);
    if (last) deflateReset(&gzip);
  }
  void compress_all(std::string_view bytes, bool last, AppendFile& file) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
      left = ZSTD_compressStream2(zstd, &output, &input, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left)) throw DataError(std::string("Zstandard failed: ") + ZSTD_getErrorName(left));
      file.write({buffer.data(), output.pos});
    } while (last ? left != 0 : input.pos < input.size);
  }
};

PackedFile::PackedFile(const std::filesystem::path& path, std::uint64_t length, Packing packing)
    : file_(path, length), packer_(packing == Packing::kNone ? nullptr : std::make_unique<Packer>(packing)) {}
PackedFile::~PackedFile() = default;

void PackedFile::write(std::string_view bytes) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
  if (!packer_) return file_.write(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += kAtOnce) packer_->pack(bytes.substr(at, kAtOnce), false, file_);
}

std::uint64_t PackedFile::end() {
  if (packer_) packer_->pack("", true, file_);
  file_.sync();
  return file_.size();
}

namespace {

constexpr auto is_escaped = [](unsigned char c) {
  const auto flag = [](bool is) { return static_cast<unsigned char>(is); };
  return static_cast<unsigned char>(flag(c < 0x20) | flag(c == '"') | flag(c == '\\'));
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = find_byte(text, 0, is_escaped); i < text.size(); i = find_byte(text, i + 1, is_escaped)) {
    const auto c = static_cast<unsigned char>(text[i]);
    out.append(text, done, i - done);
    done = i + 1;
    out += '\\';
    switch (c) {
      case '\n':
        out += 'n';
        break;
      case '\t':
        out += 't';
        break;
      case '\r':
        out += 'r';
        break;
      case '"':
      case '\\':
        out += static_cast<char>(c);
        break;
      default:
        out += "u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
  }
  out.append(text, done);
  out += '"';
}

Packing packing_of(const std::filesystem::path& path) {
  const auto ending = path.extension();
  return ending == ".gz" ? Packing::kGzip : ending == ".zst" ? Packing::kZstd : Packing::kNone;
}

namespace {

class JsonlSink final : public Sink {
 public:
  JsonlSink(std::filesystem::path folder, std::filesystem::path single, Packing packing, std::uint64_t shard_bytes,
            const std::string& mark)
      : folder_(std::move(folder)), single_(std::move(single)), packing_(packing), shard_bytes_(shard_bytes) {
    unsigned long long shard = 0, length = 0, unpacked = 0;
    if (!mark.empty() && std::sscanf(mark.c_str(), "%llu %llu %llu", &shard, &length, &unpacked) != 3) {
      throw DataError("the work folder's state is damaged; start again with --fresh");
    }
    shard_ = shard;
    unpacked_ = unpacked;
    // What a stopped process had begun beyond the mark is made again.
    for (std::uint64_t later = shard_ + 1; single_.empty() && std::filesystem::remove(shard_path(later)); ++later) {
    }
    if (!mark.empty() || !single_.empty()) open(length);
  }

  std::string render(const Passage& passage) const override {
    const Document& document = passage.document;
    std::string line;
    line.reserve(document.text.size() + document.text.size() / 16 + document.id.size() + 64);
    line += "{\"id\": ";
    append_json_string(line, document.id);
    line += ", \"text\": ";
    append_json_string(line, document.text);
    // An object's own braces are taken off; "{}" adds nothing.
    if (document.attributes_json.size() > 2)
      line += ", " + document.attributes_json.substr(1, document.attributes_json.size() - 2);
    return line += "}\n";
  }

  void write(std::string_view rendered) override {
    if (file_ && single_.empty() && unpacked_ > 0 && unpacked_ + rendered.size() > shard_bytes_) {
      file_->end();
      file_.reset();
      ++shard_;
      unpacked_ = 0;
    }
    if (!file_) open(0);
    file_->write(rendered);
    unpacked_ += rendered.size();
  }

  std::string mark() override {
    if (!file_) open(0);
    return std::to_string(shard_) + " " + std::to_string(file_->end()) + " " + std::to_string(unpacked_);
  }

 private:
  std::filesystem::path shard_path(std::uint64_t shard) const {
    char name[48];
    std::snprintf(name, sizeof name, "part-%05llu.jsonl%s", static_cast<unsigned long long>(shard),
                  packing_ == Packing::kGzip   ? ".gz"
                  : packing_ == Packing::kZstd ? ".zst"
                                               : "");
    return folder_ / name;
  }
  void open(std::uint64_t length) {
    file_ = std::make_unique<PackedFile>(single_.empty() ? shard_path(shard_) : single_, length, packing_);
  }

  std::filesystem::path folder_, single_;
  Packing packing_;
  std::uint64_t shard_bytes_, shard_ = 0, unpacked_ = 0;
  std::unique_ptr<PackedFile> file_;
};

class SpoolSink final : public Sink {
 public:
  SpoolSink(const std::filesystem::path& path, const std::string& mark)
      : file_(path, mark.empty() ? 0 : std::stoull(mark)) {}
  std::string render(const Passage& passage) const override {
    const std::string record = to_bytes(passage);
    const std::uint64_t size = record.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + record;
  }
  void write(std::string_view rendered) override { file_.write(rendered); }
  std::string mark() override {
    file_.sync();
    return std::to_string(file_.size());
  }

 private:
  AppendFile file_;
};

}  // namespace

std::unique_ptr<Sink> jsonl_sink(const std::filesystem::path& folder, const std::filesystem::path& single, Packing packing,
                                 std::uint64_t shard_bytes, const std::string& mark) {
  return std::make_unique<JsonlSink>(folder, single, packing, shard_bytes, mark);
}

std::unique_ptr<Sink> spool_sink(const std::filesystem::path& path, const std::string& mark) {
  return std::make_unique<SpoolSink>(path, mark);
}

}  // namespace temper::clean
