for (const figure of document.querySelectorAll("figure.animation")) {
  const motion = JSON.parse(figure.querySelector("script").textContent), canvas = figure.querySelector("canvas");
  const pen = canvas.getContext("2d"), button = figure.querySelector("button"), clock = figure.querySelector("small");
  figure.querySelectorAll(".key").forEach((key, i) => { key.style.color = motion.curves[i].colour; });
  let frame = 0, running = true;
  function draw() {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    motion.curves.forEach((curve, i) => {
      const row = curve.rows[frame];
      pen.beginPath(); pen.strokeStyle = curve.colour; pen.lineWidth = i ? 3 : 7;
      row.forEach((y, x) => pen.lineTo(20 + x * (canvas.width - 40) / (row.length - 1), canvas.height * (0.5 - 0.4 * y)));
      pen.stroke();
    });
    clock.textContent = "t = " + motion.times[frame].toFixed(2) + " s";
  }
  button.onclick = () => { running = !running; button.textContent = running ? "Pause" : "Play"; };
  draw();
  setInterval(() => { if (running) { frame = (frame + 1) % motion.times.length; draw(); } }, 50);
}
