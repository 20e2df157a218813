// Text into HTML: escaping, numbers, long texts cut. Prompts and answers hold anything, so everything that is not the
// report's own markup goes through escape(). The page is also well-formed XML, which tests can check strictly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace temper::report {

/// Markup characters become entities; invalid UTF-8, control characters and what XML forbids become U+FFFD.
std::string escape(std::string_view text);
/// Escaped, at most `most` characters; what is cut off is said with the full length.
std::string escape_cut(std::string_view text, std::size_t most);
/// The first line and as many whole lines of the end as fit into `most` bytes together: a log says last what went wrong.
std::string first_and_last_lines(std::string_view text, std::size_t most);

/// Four digits; "none" for what is not a number.
std::string number(double value);
std::string signed_number(double value);
/// "[low, high]", or "" if there is no interval.
std::string interval(double low, double high);
/// "p < 0.001" or "p = 0.012".
std::string p_text(double p);
/// "1 run", "3 runs".
std::string counted(std::size_t count, const std::string& one, const std::string& many = "");

/// Escaped, with places where a long name may be broken: after . _ = and /
std::string breakable(std::string_view text);
/// <th scope="SCOPE">breakable</th>
std::string head_cell(const std::string& text, const char* scope);
/// <td>escaped</td>
std::string cell(const std::string& text);
/// A table in a box of its own that scrolls, so that the page never does sideways. `head` and `body` are markup.
std::string table(const std::string& caption, const std::string& head, const std::string& body);
/// A folded part. `body` is markup.
std::string details(const std::string& summary, const std::string& body);
/// `svg` is markup; so is nothing else.
std::string figure(const std::string& svg, const std::string& caption);

}  // namespace temper::report
