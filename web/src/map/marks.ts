/** Marks drawn on a canvas, because the style has no sprite file. Shapes differ, so colour is never alone. */

import type { Map as MapLibreMap } from "maplibre-gl";

const RATIO = 2;

type Draw = (pen: CanvasRenderingContext2D, size: number) => void;

export function addMarks(map: MapLibreMap): void {
  addMark(map, "depot", 30, drawDepot);
  addMark(map, "site-kiosk", 20, (pen, size) => drawSite(pen, size, "#24508f", "kiosk"));
  addMark(map, "site-station", 20, (pen, size) => drawSite(pen, size, "#5a3b8c", "station"));
  addMark(map, "site-cabinet", 20, (pen, size) => drawSite(pen, size, "#0f6a7a", "cabinet"));
}

/** A numbered badge per route, the same as in the list. */
export function addRouteMark(map: MapLibreMap, number: number, color: string): void {
  const name = `route-${number}`;
  if (map.hasImage(name)) map.removeImage(name);
  addMark(map, name, 22, (pen, size) => {
    pen.fillStyle = color;
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.roundRect(1.5, 1.5, size - 3, size - 3, 6);
    pen.fill();
    pen.stroke();
    pen.fillStyle = "#ffffff";
    pen.font = `600 ${number > 99 ? 9 : 11}px "Inter Variable", sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(number), size / 2, size / 2 + 0.5);
  });
}

function addMark(map: MapLibreMap, name: string, size: number, draw: Draw): void {
  if (map.hasImage(name)) return;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * RATIO;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.scale(RATIO, RATIO);
  draw(pen, size);
  map.addImage(name, pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: RATIO });
}

function drawDepot(pen: CanvasRenderingContext2D, size: number): void {
  const middle = size / 2;
  pen.fillStyle = "#1b2420";
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(middle, middle, middle - 2, 0, Math.PI * 2);
  pen.fill();
  pen.stroke();
  pen.strokeStyle = "#f2c14e";
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(middle - 6.5, middle - 0.5);
  pen.lineTo(middle, middle - 6);
  pen.lineTo(middle + 6.5, middle - 0.5);
  pen.moveTo(middle - 4.5, middle - 1);
  pen.lineTo(middle - 4.5, middle + 5.5);
  pen.lineTo(middle + 4.5, middle + 5.5);
  pen.lineTo(middle + 4.5, middle - 1);
  pen.stroke();
}

function drawSite(pen: CanvasRenderingContext2D, size: number, color: string, kind: string): void {
  const middle = size / 2;
  pen.fillStyle = color;
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 1.6;
  pen.beginPath();
  if (kind === "kiosk") {
    pen.moveTo(middle, 2);
    pen.lineTo(size - 2, middle);
    pen.lineTo(middle, size - 2);
    pen.lineTo(2, middle);
    pen.closePath();
  } else if (kind === "station") {
    pen.moveTo(middle, 2);
    pen.lineTo(size - 2, size - 3);
    pen.lineTo(2, size - 3);
    pen.closePath();
  } else {
    pen.roundRect(3, 3, size - 6, size - 6, 2.5);
  }
  pen.fill();
  pen.stroke();
  pen.fillStyle = "#ffffff";
  pen.beginPath();
  pen.arc(middle, kind === "station" ? middle + 2.5 : middle, 2, 0, Math.PI * 2);
  pen.fill();
}
